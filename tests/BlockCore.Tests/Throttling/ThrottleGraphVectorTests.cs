using System.Globalization;
using System.Text.Json;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Filters.Throttle;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>The vectors through a graph: real throttle nodes of one group, in exact virtual time and in order of arrival, with storage below that notes what comes down to it, and when.</summary>
/// <remarks><code>
/// backend 0 ── throttle ── noting        one for each member,
/// backend 1 ── throttle ── noting        all in one group
/// </code></remarks>
[TestFixture]
public sealed class ThrottleGraphVectorTests
{
    [TestCaseSource(typeof(ThrottleVectorTests), nameof(ThrottleVectorTests.Vectors))]
    public void Requests_come_down_to_storage_at_the_instants_and_in_the_order_of_the_vector(JsonElement vector)
    {
        NotingDriver notes = new();
        using VirtualTimeScheduler world = new();
        AioContext context = world.MainContext;
        world.Run(async () =>
        {
            await using NodeGraph graph = new(MainLoop.Pumped(context), [new ThrottleFilterDriver(), notes]);
            List<BlockBackend> members = [];
            for (int member = 0; member < vector.GetProperty("members").GetInt32(); member++)
            {
                members.Add(await graph.OpenAsync(MemberOptions(vector, isFirst: member == 0)));
            }

            long startNs = context.NowNs;
            await Task.WhenAll(vector.GetProperty("requests").EnumerateArray().Select((request, index) => SubmitAsync(context, members, request, index)));
            long[] instants = [.. notes.Seen.OrderBy(note => note.Index).Select(note => note.AtNs - startNs)];
            Assert.That(instants, Is.EqualTo(Longs(vector, "admitted_at_ns")), "the instants");
            Assert.That(notes.Seen.Select(note => note.Index), Is.EqualTo(Longs(vector, "admission_order")), "the order");
            foreach (BlockBackend member in members)
            {
                await member.DisposeAsync();
            }
        });
    }

    private static OptionsDictionary MemberOptions(JsonElement vector, bool isFirst)
    {
        OptionsDictionary options = new() { { "driver", "throttle" }, { "throttle-group", "g" }, { "file.driver", "noting" } };
        foreach (JsonProperty limit in isFirst ? vector.GetProperty("limits").EnumerateObject() : default)
        {
            options.Add($"limits.{limit.Name}", limit.Value.GetInt64().ToString(CultureInfo.InvariantCulture));
        }

        return options;
    }

    // The offset tells which request it is.
    private static async Task SubmitAsync(AioContext context, List<BlockBackend> members, JsonElement request, int index)
    {
        long atNs = request.GetProperty("t_ns").GetInt64();
        if (atNs > 0)
        {
            await context.DelayAsync(atNs);
        }

        BlockBackend member = members[request.GetProperty("member").GetInt32()];
        byte[] buffer = new byte[request.GetProperty("bytes").GetInt32()];
        await (request.GetProperty("kind").GetString() == "read" ? member.ReadAsync(index, buffer) : member.WriteAsync(index, buffer));
    }

    private static long[] Longs(JsonElement vector, string name) => [.. vector.GetProperty(name).EnumerateArray().Select(value => value.GetInt64())];

    private sealed class NotingDriver : BlockDriver
    {
        public List<(long Index, long AtNs)> Seen { get; } = [];

        public override string Name => "noting";

        public override string Summary => "notes when requests come, for tests";

        public override DriverCategory Category => DriverCategory.Protocol;

        public override OptionSchema Options { get; } = new();

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel) => Task.FromResult<BlockDriverInstance>(new Instance(this));

        private sealed class Instance(NotingDriver driver) : BlockDriverInstance
        {
            protected internal override long GetLengthBytes() => 1L << 40;

            protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => NoteAsync(offset);

            protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => NoteAsync(offset);

            private ValueTask NoteAsync(long offset)
            {
                driver.Seen.Add((offset, AioContext.Current!.NowNs));
                return AioContext.Current.YieldAsync();
            }
        }
    }
}
