using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.HostFile;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Blkdebug nodes in exact virtual time, and config files in a folder of the test's own.</summary>
public abstract class BlkdebugFixture
{
    private string _folder = "";

    protected GraphFixture Fixture { get; private set; } = null!;

    protected NodeGraph Graph => Fixture.Graph;

    [SetUp]
    public void SetUpFixture()
    {
        _folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "blkdebug-" + TestContext.CurrentContext.Test.ID);
        Directory.CreateDirectory(_folder);
        Fixture = NewFixture();
    }

    [TearDown]
    public void TearDownFixture()
    {
        Fixture.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    protected static GraphFixture NewFixture(CompatibilityProfile? profile = null, bool usesPlans = true) => new(
        new SimulationOptions { HasExactTime = true },
        [new BlkdebugDriver(), new RawDriver(), new NullCoDriver(), new HostFileDriver()],
        new NodeGraphOptions { Profile = profile ?? CompatibilityProfile.Own, UsesPlans = usesPlans, PseudoFileNames = PseudoFileName.Parse, PseudoFileNameWriter = PseudoFileName.Format });

    /// <summary>Opens blkdebug with <paramref name="options"/> over memory called disk.</summary>
    protected Task<BlockBackend> OpenAsync(string options) =>
        Fixture.OpenAsync("driver=blkdebug,discard=unmap,image.driver=memory,image.filename=disk,image.zeroes=on" + (options.Length == 0 ? "" : "," + options));

    protected static BlkdebugInstance InstanceOf(BlockBackend backend) => (BlkdebugInstance)backend.Root!.Instance;

    /// <summary>A path in the test's folder.</summary>
    protected string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Makes a file and returns its path.</summary>
    protected string MakeFile(string name, string content)
    {
        File.WriteAllText(PathOf(name), content);
        return PathOf(name);
    }
}
