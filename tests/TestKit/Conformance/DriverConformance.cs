using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every driver must do, whatever it is: the part of the suite that needs to know nothing of it. Inherit <see cref="FilterConformance{TDriver}"/>,
/// <see cref="FormatConformance{TDriver}"/> or <see cref="ProtocolConformance{TDriver}"/>.
/// </summary>
/// <remarks>
/// Each check runs the driver in simulated worlds of several seeds against a model of every byte. A failure names the seed and the setting, which
/// repeat it. The checks need no other data than an empty image, and take seconds.
/// </remarks>
public abstract partial class DriverConformance
{
    internal const string SubjectName = "subject";
    internal const string DiskName = "disk";
    private protected const int SeedCount = 3;
    private string? _driverName;

    /// <summary>The length of the image that the checks work on, in bytes: a multiple of 4096. Longer ones take longer.</summary>
    protected internal virtual int LengthBytes => 96 * 1024;

    /// <summary>Further options of the driver, as <c>key=value,key=value</c>; none by default.</summary>
    protected virtual string OptionText => "";

    /// <summary>Other values of options that a reopen may change, each as <c>key=value,key=value</c>: every check of data runs with each of them as well.</summary>
    protected virtual IReadOnlyList<string> OtherOptions => [];

    /// <summary>False for a driver that keeps nothing of what is written: then no bytes are compared.</summary>
    protected internal virtual bool KeepsData => true;

    /// <summary>False for a driver that allocates on its way from request to storage, though it need not wait.</summary>
    protected virtual bool ClaimsNoAllocation => true;

    /// <summary>False for a driver that cannot be opened read-only over read-only storage, for it writes on its own account.</summary>
    protected virtual bool OpensReadOnly => true;

    /// <summary>Drivers that the options name, beside the one under test and the kit's own.</summary>
    protected virtual IEnumerable<BlockDriver> OtherDrivers => [];

    /// <summary>The driver under test; a new one for each world.</summary>
    protected abstract BlockDriver CreateDriver();

    private protected string DriverName => _driverName ??= CreateDriver().Name;

    /// <summary>Every driver that a world needs beside the kit's.</summary>
    internal virtual IEnumerable<BlockDriver> CreateDrivers() => [.. OtherDrivers, CreateDriver()];

    /// <summary>The options of the node under test.</summary>
    internal virtual OptionsDictionary Describe(ConformanceWorld world)
    {
        OptionsDictionary options = new() { { "driver", DriverName }, { "node-name", SubjectName }, { "discard", "unmap" } };
        foreach (string text in new[] { OptionText, world.Setting.OptionText ?? "" }.Where(t => t.Length > 0))
        {
            foreach ((string key, OptionValue value) in GraphFixture.Options(text))
            {
                options[key] = value;
            }
        }

        return options;
    }

    /// <summary>Puts into the world what the driver opens.</summary>
    internal abstract void Prepare(ConformanceWorld world);

    /// <summary>Makes what the driver's options refer to in a graph, such as an object. At its home, before anything is opened.</summary>
    protected internal virtual Task PrepareGraphAsync(NodeGraph graph) => Task.CompletedTask;

    /// <summary>Runs a check in one world.</summary>
    private protected void Run(ConformanceSetting setting, Func<ConformanceWorld, Task> check) => ConformanceWorld.Run(this, setting, check);

    /// <summary>Runs a check with the driver open, in worlds of every alignment and with every other option.</summary>
    private protected void RunEach(int seed, Func<ConformanceWorld, Task> check)
    {
        foreach (ConformanceSetting setting in Settings(seed))
        {
            Run(setting, async world =>
            {
                await world.OpenAsync();
                await check(world);
                await world.CloseAsync();
            });
        }
    }

    /// <summary>Runs a check with the driver open, in one world.</summary>
    private protected void RunOne(int seed, Func<ConformanceWorld, Task> check) => Run(new ConformanceSetting(seed), async world =>
    {
        await world.OpenAsync();
        await check(world);
        await world.CloseAsync();
    });

    private protected virtual IEnumerable<ConformanceSetting> Settings(int seed) =>
    [
        new(seed),
        new(seed, AlignmentBytes: 512, TakesZeroes: seed % 2 == 0),
        new(seed, AlignmentBytes: 4096, LatencyNsMax: 0),
        .. OtherOptions.Select(text => new ConformanceSetting(seed, AlignmentBytes: 512) { OptionText = text }),
    ];
}
