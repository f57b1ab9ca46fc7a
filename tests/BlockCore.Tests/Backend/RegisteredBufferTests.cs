using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Tests.Graph;
using BlockGraph.BlockCore.Transactions;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>Who is told of registered buffers, and when; and what becomes of the hint on a request's way.</summary>
[TestFixture]
public sealed class RegisteredBufferTests : GraphTests
{
    private static readonly BufferRange s_guest = new(0x10000, 4096);
    private readonly PreparingDriver _driver = new();

    protected override GraphFixture CreateFixture()
    {
        _driver.Instances.Clear();
        return new GraphFixture(drivers: [_driver]);
    }

    // blk -> top -> disk: what is there, what comes later, what goes
    [Test]
    public void Every_driver_below_hears_of_it_whenever_it_comes_and_of_the_end_when_it_goes() => Fixture.Run(async () =>
    {
        BlockBackend blk = await Fixture.OpenAsync("driver=preparing,node-name=top,file.driver=preparing,file.node-name=disk");
        await blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        Assert.That(Told(), Is.EqualTo(new[] { "top+", "disk+" }).AsCollection.Or.EqualTo(new[] { "disk+", "top+" }), "those that are there");
        await Fixture.AddAsync("driver=preparing,node-name=apart");
        Assert.That(Told(), Is.Empty, "not those apart");
        await Fixture.Graph.ApplyAsync(GraphEdit.Append(GraphFixture.Options("driver=preparing,node-name=filter"), blk.Root!));
        Assert.That(Told(), Is.EqualTo(new[] { "filter+" }), "the one that comes later");
        await Fixture.Graph.ApplyAsync(GraphEdit.DropFilter(Fixture.Graph.FindNode("filter")!));
        Assert.That(Told(), Is.EqualTo(new[] { "filter-" }), "and goes, before it is closed");
        await using (await Fixture.Graph.AttachBackendAsync(Fixture.Graph.FindNode("disk")!, new BackendOptions { ReadOnly = true, ShareWrite = true }))
        {
            Assert.That(Told(), Is.Empty, "another user is another matter");
        }

        await blk.UnregisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        Assert.That(Told(), Is.EquivalentTo(new[] { "top-", "disk-" }), "all of them, at once");
        await blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        Told();
        await blk.DisposeAsync();
        Assert.That(Told(), Is.EquivalentTo(new[] { "top-", "disk-" }), "with the backend");
        Assert.That(_driver.Instances.Exists(i => i.WasToldAfterEnd), Is.False, "nobody hears anything when it is closed");
    });

    [Test]
    public void Two_users_of_one_node_are_one_registration_there() => Fixture.Run(async () =>
    {
        BackendOptions shared = new() { ShareWrite = true };
        await using BlockBackend first = await Fixture.OpenAsync("driver=preparing,node-name=disk", shared);
        await using BlockBackend second = await Fixture.Graph.AttachBackendAsync(first.Root!, shared);
        await first.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        await second.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        await first.UnregisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        Assert.That(Told(), Is.EqualTo(new[] { "disk+" }), "as long as one of them has it");
        await second.RemoveAsync();
        Assert.That(Told(), Is.EqualTo(new[] { "disk-" }), "and reaches it");
    });

    [Test]
    public void What_a_driver_did_not_take_it_is_not_asked_to_give_back_and_a_bug_of_its_is_told() => Fixture.Run(async () =>
    {
        await using BlockBackend blk = await Fixture.OpenAsync("driver=preparing,node-name=disk");
        _driver.Instances[0].Takes = false;
        await blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        await blk.UnregisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        Assert.That(Told(), Is.EqualTo(new[] { "disk?" }), "asked, once");
        _driver.Instances[0].Fails = true;
        List<string> warnings = [];
        using (Fixture.Graph.Events.Subscribe<BlockWarning>(e => warnings.Add(e.Message)))
        {
            await blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        }

        Assert.That(warnings, Is.EqualTo(new[] { "Node 'disk': driver 'preparing' has a bug: registering a buffer failed: on purpose" }), "a hint fails nobody");
    });

    [Test]
    public void What_is_no_buffer_or_registered_twice_is_refused() => Fixture.Run(async () =>
    {
        await using BlockBackend blk = await Fixture.OpenAsync("driver=preparing,node-name=disk");
        foreach ((nint address, long length) in new[] { ((nint)0, 1L), (4096, 0), (4096, -1), (-4096, 8192) })
        {
            Assert.That((await Failure.OfAsync(() => blk.RegisterBufferAsync(address, length))).Kind, Is.EqualTo(BlockErrorKind.InvalidArgument), $"{address}+{length}");
        }

        await blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes);
        BlockException refusal = await Failure.OfAsync(() => blk.RegisterBufferAsync(s_guest.Address, s_guest.LengthBytes));
        Assert.That(refusal.Message, Is.EqualTo("The buffer of 4096 bytes at address 10000 is registered already"), "twice");
        refusal = await Failure.OfAsync(() => blk.UnregisterBufferAsync(0x20000, 4096));
        Assert.That(refusal.Message, Is.EqualTo("The buffer of 4096 bytes at address 20000 is not registered"), "another");
    });

    // blk -> disk (scripted) or memory of blocks
    [Test]
    public void The_hint_goes_where_the_callers_buffer_goes_and_nowhere_else() => Fixture.Run(async () =>
    {
        await using BlockBackend blk = await Fixture.OpenAsync("driver=scripted,node-name=disk");
        List<RequestFlags> seen = [];
        ScriptedNode disk = Fixture.Scripted.Node("disk");
        disk.Hold();
        disk.Arrived = request => seen.Add(request.Flags);
        await blk.ReadAsync(0, new byte[512], RequestFlags.RegisteredBuffer);
        await blk.WriteAsync(0, new byte[512], RequestFlags.RegisteredBuffer);
        await blk.WriteAsync(0, new byte[512], RequestFlags.RegisteredBuffer | RequestFlags.Serialising);
        Assert.That(seen.Select(f => f & RequestFlags.RegisteredBuffer), Is.All.EqualTo(RequestFlags.RegisteredBuffer), "the short way and the long one");
        await using BlockBackend blocks = await Fixture.OpenAsync("driver=memory,filename=blocks,align=512,detect-zeroes=on,zeroes=on");
        await blocks.WriteAsync(10, new byte[] { 1 }, RequestFlags.RegisteredBuffer);
        await blocks.ReadAsync(10, new byte[5], RequestFlags.RegisteredBuffer);
        await blocks.WriteAsync(0, new byte[512], RequestFlags.RegisteredBuffer);
        Assert.That(Fixture.Memory.Storage("blocks").Log.Select(r => r.Flags & RequestFlags.RegisteredBuffer), Is.All.EqualTo(RequestFlags.None), "another buffer, or none");
        BlockException refusal = await Failure.OfRequestAsync(() => blocks.WriteZeroesAsync(0, 512, RequestFlags.RegisteredBuffer));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((BlockErrorKind.InvalidArgument, "A zero write has no buffer that could be registered")), "which a zero write has not");
    });

    private string[] Told()
    {
        string[] told = [.. _driver.Told];
        _driver.Told.Clear();
        return told;
    }

    private sealed class PreparingDriver : BlockDriver
    {
        public List<PreparingInstance> Instances { get; } = [];

        public List<string> Told { get; } = [];

        public override string Name => "preparing";

        public override string Summary => "prepares buffers, for tests";

        public override DriverCategory Category => DriverCategory.Filter;

        public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child"));

        public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            await context.OpenOptionalChildAsync("file", ChildRole.Filtered | ChildRole.Primary);
            PreparingInstance instance = new(this);
            Instances.Add(instance);
            return instance;
        }
    }

    private sealed class PreparingInstance(PreparingDriver driver) : BlockDriverInstance
    {
        private bool _isClosed;

        public bool Takes { get; set; } = true;

        public bool Fails { get; set; }

        public bool WasToldAfterEnd { get; private set; }

        protected internal override long GetLengthBytes() => 1 << 20;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;

        protected internal override bool TryRegisterBuffer(BufferRange buffer)
        {
            WasToldAfterEnd |= _isClosed;
            if (Fails)
            {
                throw new BlockException("on purpose");
            }

            driver.Told.Add($"{Node.Name}{(Takes ? '+' : '?')}");
            return Takes;
        }

        protected internal override void UnregisterBuffer(BufferRange buffer)
        {
            WasToldAfterEnd |= _isClosed;
            driver.Told.Add($"{Node.Name}-");
        }

        protected internal override ValueTask CloseAsync()
        {
            _isClosed = true;
            return default;
        }
    }
}
