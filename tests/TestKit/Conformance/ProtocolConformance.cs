using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Conformance;

/// <summary>
/// What every protocol must do: storage of its own. An author inherits it and says where:
/// <code>
///   public sealed class MyProtocolConformance : ProtocolConformance&lt;MyProtocolDriver&gt;
///   {
///       protected override string MakeStorage(long lengthBytes) => $"filename={NewFile(lengthBytes)}";
///   }
/// </code>
/// </summary>
/// <typeparam name="TDriver">The protocol's driver.</typeparam>
public abstract class ProtocolConformance<TDriver> : DriverConformance
    where TDriver : BlockDriver, new()
{
    // The storage of the world that was made last.
    private string _storage = "";

    /// <summary>
    /// Makes new storage of <paramref name="lengthBytes"/>, all zeros, and says with which options it is opened, as <c>key=value,key=value</c>.
    /// It is for the author to delete.
    /// </summary>
    protected abstract string MakeStorage(long lengthBytes);

    /// <inheritdoc/>
    protected override BlockDriver CreateDriver() => new TDriver();

    internal override void Prepare(ConformanceWorld world) => _storage = MakeStorage(LengthBytes);

    internal override OptionsDictionary Describe(ConformanceWorld world)
    {
        OptionsDictionary options = base.Describe(world);
        AddStorage(options);
        return options;
    }

    private protected override IEnumerable<ConformanceSetting> Settings(int seed) =>
        [new ConformanceSetting(seed), .. OtherOptions.Select(text => new ConformanceSetting(seed) { OptionText = text })];

    private protected override NodeGraph CreateMeasuredGraph(MainLoop loop, out OptionsDictionary options)
    {
        _storage = MakeStorage(LengthBytes);
        options = new() { { "driver", DriverName } };
        AddStorage(options);
        return new NodeGraph(loop, CreateDrivers());
    }

    private void AddStorage(OptionsDictionary options)
    {
        foreach ((string key, OptionValue value) in GraphFixture.Options(_storage))
        {
            options[key] = value;
        }
    }
}
