using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Without a write cache every write is durable when it completes: by its own flag, or by exactly one flush.</summary>
[TestFixture]
public sealed class WriteCacheTests : BackendTests
{
    private readonly SharedProtocol _shared = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_shared, new RawDriver()]);

    [Test]
    public void A_write_back_backend_leaves_writes_in_the_cache() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(hasFua: false);
        Assert.That(backend.IsWriteCacheEnabled, Is.True, "it is on");
        Assert.That(await CallsOfAsync(() => backend.WriteAsync(0, new byte[1])), Is.EqualTo(new[] { "Write None" }), "a write");
        Assert.That(await CallsOfAsync(() => backend.WriteAsync(0, new byte[1], RequestFlags.Fua)), Is.EqualTo(new[] { "Write None", "Flush None" }), "a write that is to be durable");
    });

    [Test]
    public void A_write_through_backend_makes_each_write_durable([Values] bool hasFua, [Values] bool hasLayers) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync(hasFua, hasLayers);
        backend.IsWriteCacheEnabled = false;
        string[] durable = hasFua ? ["Write Fua"] : ["Write None", "Flush None"];
        string[] durableZeroes = hasFua ? ["WriteZeroes Fua"] : ["WriteZeroes None", "Flush None"];
        Assert.That(await CallsOfAsync(() => backend.WriteAsync(0, new byte[4096])), Is.EqualTo(durable), "a write");
        Assert.That(await CallsOfAsync(() => backend.WriteAsync(7, new IoVector(new IoSegments(new byte[3], new byte[4])))), Is.EqualTo(durable), "one of several pieces");
        Assert.That(await CallsOfAsync(() => backend.WriteAsync(0, new byte[1], RequestFlags.Fua)), Is.EqualTo(durable), "one that asked for it, no more than once");
        Assert.That(await CallsOfAsync(() => backend.WriteZeroesAsync(0, 4096)), Is.EqualTo(durableZeroes), "zeroes");
        Assert.That(await CallsOfAsync(() => backend.WriteZeroesAsync(0, 4096, RequestFlags.MayUnmap)), Is.EqualTo(durableZeroes), "zeroes that may unmap");
        Assert.That(await CallsOfAsync(() => backend.ReadAsync(0, new byte[1])), Is.EqualTo(new[] { "Read None" }), "a read has nothing to keep");
        Assert.That(await CallsOfAsync(() => backend.FlushAsync()), Is.EqualTo(hasFua ? ["Flush None"] : Array.Empty<string>()), "a flush is one, where there has been none");
    });

    [Test]
    public void Zeroes_that_the_storage_cannot_write_are_flushed_once() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=shared,fua=on");
        backend.IsWriteCacheEnabled = false;
        Assert.That(await CallsOfAsync(() => backend.WriteZeroesAsync(0, 4096)), Is.EqualTo(new[] { "Write None", "Flush None" }), "written as a buffer");
    });

    [Test]
    public void It_holds_from_every_context_and_after_a_drain() => Fixture.Run(async () =>
    {
        VirtualTimeAioContext submitter = CreateContext("submitter");
        VirtualTimeAioContext other = CreateContext("other");
        await using BlockBackend backend = await OpenAsync(hasFua: true);
        await backend.AddSubmitterAsync(submitter);
        foreach (AioContext context in new AioContext[] { submitter, other })
        {
            string[] calls = [];
            async Task WriteAsync() => calls = await CallsOfAsync(() => backend.WriteAsync(0, new byte[1]));
            await context.RunAsync(async () =>
            {
                Task held;
                await using (await backend.DrainAsync())
                {
                    backend.IsWriteCacheEnabled = true;
                    held = WriteAsync();
                    backend.IsWriteCacheEnabled = false;
                }

                await held;
            });
            Assert.That(calls, Is.EqualTo(new[] { "Write Fua" }), $"{context.Name}: what counts is the cache as it is when the write goes down");
        }
    });

    private Task<BlockBackend> OpenAsync(bool hasFua, bool hasLayers = false)
    {
        string options = $"driver=shared,zeroes=on,fua={(hasFua ? "on" : "off")}";
        return Fixture.OpenAsync(hasLayers ? "driver=pass-through,file.driver=raw,file.offset=4096," + string.Join(',', options.Split(',').Select(o => "file.file." + o)) : options);
    }

    private async Task<string[]> CallsOfAsync(Func<ValueTask> request)
    {
        int before = _shared.Log.Count;
        await request();
        return [.. _shared.Log.Skip(before).Select(c => $"{c.Kind} {c.Flags & RequestFlags.Fua}")];
    }
}
