using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.Drivers.Filters.Blkdebug;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.Drivers.Protocols.Null;
using BlockGraph.Qapi.Options;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Quorum;

/// <summary>Quorums over storages in memory called a, b, c, …; nodes q, and a, b, c, … below it. What happens is written down in order.</summary>
public abstract class QuorumFixture
{
    protected const int LengthBytes = 64 * 1024;

    private readonly List<string> _events = [];

    protected GraphFixture Fixture { get; private set; } = null!;

    protected NodeGraph Graph => Fixture.Graph;

    /// <summary>Bad children as <c>bad NODE OPERATION SECTOR+COUNT ERROR</c>, failures as <c>failure REFERENCE SECTOR+COUNT</c>, differences by their text.</summary>
    protected IReadOnlyList<string> Events => _events;

    [SetUp]
    public void SetUpFixture()
    {
        Fixture = NewFixture(new SimulationOptions { HasExactTime = true });
        _events.Clear();
        Graph.Events.Subscribe<QuorumReportBad>(e => _events.Add($"bad {e.NodeName} {e.Operation} {e.SectorNumber}+{e.SectorCount} {e.Error}".TrimEnd()));
        Graph.Events.Subscribe<QuorumFailure>(e => _events.Add($"failure {e.Reference} {e.SectorNumber}+{e.SectorCount}"));
        Graph.Events.Subscribe<VerificationFailed>(e => _events.Add($"{e.NodeName}: {e.Message}"));
    }

    [TearDown]
    public void TearDownFixture() => Fixture.Dispose();

    protected static GraphFixture NewFixture(SimulationOptions world) => new(
        world,
        [new QuorumDriver(), new BlkdebugDriver(), new RawDriver(), new NullCoDriver()],
        new NodeGraphOptions { PseudoFileNames = PseudoFileName.Parse, PseudoFileNameWriter = PseudoFileName.Format });

    /// <summary>The options of a quorum with a child for each letter of <paramref name="children"/>.</summary>
    protected static string Options(string children, int threshold, string more = "") =>
        $"driver=quorum,node-name=q,vote-threshold={threshold}"
        + string.Concat(children.Select((name, i) => $",children.{i}.driver=memory,children.{i}.filename={name},children.{i}.node-name={name}"))
        + (more.Length == 0 ? "" : "," + more);

    protected Task<BlockBackend> OpenAsync(string children, int threshold, string more = "", BackendOptions? backend = null)
    {
        foreach (char name in children)
        {
            Storage(name);
        }

        return Graph.OpenAsync(KeyvalParser.Parse(Options(children, threshold, more)), backend);
    }

    protected MemoryStorage Storage(char name) => Fixture.Memory.Storage($"{name}", LengthBytes);

    protected MemoryStorage Storage(string name) => Storage(name[0]);

    protected static byte[] Filled(byte value, int length = 512)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    protected void ClearEvents() => _events.Clear();

    /// <summary>Every storage works again: what is open can be closed.</summary>
    protected void MendAll(string children)
    {
        foreach (char name in children)
        {
            Storage(name).FailWith(RequestKind.Read, null);
        }
    }

    /// <summary>What the request fails with.</summary>
    protected static async Task<BlockException> FailureOf(Func<ValueTask> request) => await Failure.OfRequestAsync(request);
}
