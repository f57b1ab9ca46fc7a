using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Blkdebug;

/// <summary>Which requests the rules fail, and how the state moves.</summary>
[TestFixture]
public sealed class BlkdebugRuleTests : BlkdebugFixture
{
    [TestCaseSource(typeof(BlkdebugRuleTable), nameof(BlkdebugRuleTable.Rows))]
    public void Rules_fail_the_requests_that_they_concern(string options, string requests, string results) => Fixture.Run(async () =>
    {
        BlockBackend backend = await OpenAsync(options);
        List<string> actual = [];
        foreach (string request in requests.Split(' '))
        {
            actual.Add(await ResultOfAsync(backend, request));
        }

        Assert.That(string.Join(' ', actual), Is.EqualTo(results), $"{requests} with {options}");
        await CloseAsync(backend);
    });

    [Test]
    public void The_state_can_be_asked_for() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("set-state.0.event=pwritev,set-state.0.new_state=7");
        Assert.That(InstanceOf(backend).State, Is.EqualTo(1), "at the beginning");
        await backend.WriteAsync(0, new byte[512]);
        Assert.That(InstanceOf(backend).State, Is.EqualTo(7), "after the event");
    });

    // raw, a window or not -> blkdebug -> memory
    [TestCase("read_aio", "r", "5")]
    [TestCase("read_aio", "w", ".")]
    [TestCase("write_aio", "w", "5")]
    [TestCase("write_aio", "r", ".")]
    [TestCase("write_aio", "z", ".")]
    public void Reads_and_writes_of_a_raw_image_are_events(string name, string request, string result) => Fixture.Run(async () =>
    {
        foreach (string window in new[] { "", ",offset=4096,size=8192" })
        {
            BlockBackend backend = await Fixture.OpenAsync(
                $"driver=raw{window},file.driver=blkdebug,file.inject-error.0.event={name},file.image.driver=memory,file.image.filename=disk,file.image.zeroes=on");
            Assert.That(await ResultOfAsync(backend, request), Is.EqualTo(result), $"{request} with a rule of {name}{window}");
            await CloseAsync(backend);
        }
    });

    [TestCase("off", false)]
    [TestCase("on", true)]
    public void An_error_comes_from_the_loop_or_inside_the_submitting_call(string immediately, bool isInside) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.immediately={immediately}");
        Task read = backend.ReadAsync(0, new byte[512]).AsTask();
        Assert.That(read.IsCompleted, Is.EqualTo(isInside), "when the call returns");
        await Failure.OfAsync(() => read);
    });

    [TestCase(5, BlockErrorKind.InputOutput, "Input/output error")]
    [TestCase(22, BlockErrorKind.InvalidArgument, "Invalid argument")]
    [TestCase(28, BlockErrorKind.NoSpace, "No space left on device")]
    [TestCase(12, BlockErrorKind.Busy, "Cannot allocate memory")]
    [TestCase(122, BlockErrorKind.NoSpace, "Disk quota exceeded")]
    [TestCase(200, BlockErrorKind.InputOutput, "Unknown error 200")]
    public void An_errno_has_its_kind_and_the_systems_words(int errno, BlockErrorKind kind, string text) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync($"inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.errno={errno}");
        BlockException failure = await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[512]));
        Assert.That((failure.Kind, failure.Message), Is.EqualTo((kind, text)), "the failure");
    });

    [Test]
    public void What_fails_does_not_reach_the_child_and_what_does_not_goes_on_as_it_is() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("inject-error.0.event=none,inject-error.0.sector=0,inject-error.1.event=none,inject-error.1.iotype=flush,inject-error.1.once=on");
        MemoryStorage disk = Fixture.Memory.Storage("disk");
        await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[512]));
        await Failure.OfRequestAsync(() => backend.FlushAsync());
        Assert.That(disk.Log, Is.Empty, "nothing came through");
        await backend.WriteAsync(4096, new byte[] { 1, 2, 3 }, RequestFlags.WriteUnchanged);
        await backend.WriteZeroesAsync(8192, 512, RequestFlags.MayUnmap);
        await backend.DiscardAsync(8192, 512);
        await backend.FlushAsync();
        Assert.That(disk.Log, Is.EqualTo(new[]
        {
            new MemoryRequest(RequestKind.Write, 4096, 3, RequestFlags.WriteUnchanged),
            new MemoryRequest(RequestKind.WriteZeroes, 8192, 512, RequestFlags.MayUnmap),
            new MemoryRequest(RequestKind.Discard, 8192, 512, RequestFlags.None),
            new MemoryRequest(RequestKind.Flush, 0, 0, RequestFlags.None),
        }), "in order, with their flags");
    });

    // magic (raises no events itself) -> blkdebug: a format's own event by its file edge
    [Test]
    public void A_formats_own_event_makes_a_rule_active() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=magic,file.driver=blkdebug,file.image.driver=memory,file.image.filename=disk,file.inject-error.0.event=l2_load,file.inject-error.0.iotype=read,file.inject-error.0.once=on");
        await backend.ReadAsync(0, new byte[512]);
        await backend.Root!.FileChild!.DebugEventAsync(DebugEvent.L2Update);
        await backend.ReadAsync(0, new byte[512]);
        await backend.Root.FileChild.DebugEventAsync(DebugEvent.L2Load);
        await Failure.OfRequestAsync(() => backend.ReadAsync(0, new byte[512]));
        await backend.ReadAsync(0, new byte[512]);
    });

    [Test]
    public void Every_event_has_a_name_and_every_name_an_event()
    {
        DebugEvent[] events = Enum.GetValues<DebugEvent>();
        Assert.That(DebugEventExtensions.Names, Has.Count.EqualTo(events.Length).And.Unique, "as many names as events");
        Assert.That(events.Select(e => DebugEventExtensions.Find(e.ToName())), Is.EqualTo(events), "there and back");
        Assert.That(events.Select(e => e.ToName().Replace("_", "", StringComparison.Ordinal)), Is.EqualTo(events.Select(e => e.ToString().ToLowerInvariant())), "the names are those of the events");
        Assert.That(DebugEventExtensions.Find("nope"), Is.Null, "no event");
    }

    [Test]
    public void A_rule_that_fails_once_does_so_once_however_many_ask_at_the_same_time() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await OpenAsync("inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.once=on");
        int failedCount = 0;
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            try
            {
                await backend.ReadAsync(0, new byte[512]);
            }
            catch (BlockException)
            {
                failedCount++;
            }
        }));
        Assert.That(failedCount, Is.EqualTo(1), "one of twenty");
    });

    private static async Task CloseAsync(BlockBackend backend)
    {
        try
        {
            await backend.DisposeAsync();
        }
        catch (BlockException)
        {
            // The last flush is failed as well.
        }
    }

    private static async Task<string> ResultOfAsync(BlockBackend backend, string request)
    {
        string[] range = request.Length == 1 ? ["0", "4096"] : request[1..].Split('+');
        long offset = long.Parse(range[0], System.Globalization.CultureInfo.InvariantCulture);
        int length = int.Parse(range[1], System.Globalization.CultureInfo.InvariantCulture);
        try
        {
            await (request[0] switch
            {
                'r' => backend.ReadAsync(offset, new byte[length]),
                'w' => backend.WriteAsync(offset, new byte[length]),
                'z' => backend.WriteZeroesAsync(offset, length),
                'd' => backend.DiscardAsync(offset, length),
                'f' => backend.FlushAsync(),
                _ => StatusAsync(backend, offset, length),
            });
            return ".";
        }
        catch (BlockException error)
        {
            return $"{error.Kind.ToErrno()}";
        }
    }

    private static async ValueTask StatusAsync(BlockBackend backend, long offset, int length) => await backend.GetStatusAsync(offset, length);
}
