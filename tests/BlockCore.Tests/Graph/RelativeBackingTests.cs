using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Composites.Quorum;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>A backing name that says nothing of where it begins lies beside its overlay; and where nobody knows where that is, it is refused.</summary>
[TestFixture]
public sealed class RelativeBackingTests : GraphTests
{
    [Test]
    public void A_relative_name_lies_beside_the_overlay() => Fixture.Run(async () =>
    {
        BlockNode overlay = await Fixture.AddAsync("driver=header,node-name=n,says=base,file.driver=memory,file.filename=dir/overlay");
        Assert.That(overlay.CowChild!.Node.FileName, Is.EqualTo("memory:dir/base"), "in its directory");
    });

    [Test]
    public void Storage_without_a_name_has_no_directory() => AssertRefused(
        "driver=header,says=base,file.driver=nameless", "Cannot generate a base directory for nameless nodes");

    [TestCase("driver=header,says=base,file.driver=nameless,file.filename=x", "nameless")]
    [TestCase("driver=header,says=base,file.driver=quorum,file.vote-threshold=1,file.children.0.driver=memory,file.children.0.filename=dir/x", "quorum")]
    public void Storage_that_only_its_options_describe_has_no_directory(string options, string driver) =>
        AssertRefused(options, $"Cannot generate a base directory for {driver} nodes");

    [TestCase("memory:elsewhere")]
    [TestCase("memory:/elsewhere")]
    public void A_name_that_says_where_it_begins_needs_no_directory(string name) => Fixture.Run(async () =>
    {
        BlockNode overlay = await Fixture.AddAsync($"driver=header,node-name=n,says={name},file.driver=nameless");
        Assert.That(overlay.CowChild!.Node.FileName, Is.EqualTo(name), "as it stands");
    });

    protected override GraphFixture CreateFixture() => new(drivers: [new HeaderDriver(), new NamelessDriver(), new QuorumDriver()]);

    /// <summary>A format whose header names whatever backing file the option says.</summary>
    private sealed class HeaderDriver : BlockDriver
    {
        public override string Name => "header";

        public override string Summary => "an overlay whose header says what the test wants, for tests";

        public override DriverCategory Category => DriverCategory.Format;

        public override bool SupportsBacking => true;

        public override OptionSchema Options { get; } = new(
            new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true },
            new OptionDefinition("backing", OptionType.Child, "the child below"),
            new OptionDefinition("says", OptionType.String, "the backing name in the header"));

        public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            string? name = context.Options.GetString("says");
            BlockChild file = await context.OpenChildAsync("file", ChildRole.Image);
            await context.OpenBackingAsync(name, "memory");
            return new Instance(() => file.LengthBytes);
        }
    }

    /// <summary>Storage that no file name stands for.</summary>
    private sealed class NamelessDriver : BlockDriver
    {
        public override string Name => "nameless";

        public override string Summary => "storage that no file name describes, for tests";

        public override DriverCategory Category => DriverCategory.Protocol;

        public override OptionSchema Options { get; } = new(new OptionDefinition("filename", OptionType.String, "a name that is not all there is to say") { IsStrong = true });

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            context.Options.GetString("filename");
            return Task.FromResult<BlockDriverInstance>(new Instance(() => 512));
        }
    }

    private sealed class Instance(Func<long> length) : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => length();

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;

        protected internal override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;
    }
}
