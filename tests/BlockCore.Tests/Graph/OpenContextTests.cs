using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Graph;

/// <summary>What a driver has at hand while it opens.</summary>
[TestFixture]
public sealed class OpenContextTests : GraphTests
{
    private readonly ReadOnlyMediumDriver _medium = new();

    protected override GraphFixture CreateFixture() => new(drivers: [_medium]);

    [TestCase("driver=cd", null, "Image is read-only")]
    [TestCase("driver=cd", "The tray is locked", "The tray is locked")]
    public void A_medium_that_cannot_be_written_is_refused_to_a_writer(string options, string? reason, string message)
    {
        _medium.Reason = reason;
        AssertRefused(options, message);
    }

    [TestCase("driver=cd,auto-read-only=on")]
    [TestCase("driver=cd,read-only=on")]
    public void Unless_reading_will_do(string options) => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync(options);
        Assert.That((backend.Root!.IsReadOnly, backend.IsReadOnly), Is.EqualTo((true, true)), "both say so");
        Assert.That((await Failure.OfRequestAsync(() => backend.WriteAsync(0, new byte[1]))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted), "nobody writes");
    });

    [Test]
    public void A_driver_sees_its_node_its_context_and_the_semantics_wanted() => Fixture.Run(async () =>
    {
        await using BlockBackend backend = await Fixture.OpenAsync("driver=cd,read-only=on,node-name=n");
        Assert.That(_medium.Seen, Is.EqualTo(("n", Fixture.Context, GraphFixture.Profile, false)), "name, context, profile, probed");
    });

    private sealed class ReadOnlyMediumDriver : BlockDriver
    {
        public string? Reason { get; set; }

        public (string, object, CompatibilityProfile, bool) Seen { get; private set; }

        public override string Name => "cd";

        public override string Summary => "a medium that cannot be written";

        public override DriverCategory Category => DriverCategory.Protocol;

        public override OptionSchema Options { get; } = new();

        public override Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
        {
            Seen = (context.Node.Name, context.Context, context.Profile, context.IsProbed);
            context.FallBackToReadOnly(Reason);
            return Task.FromResult<BlockDriverInstance>(new Medium());
        }
    }

    private sealed class Medium : BlockDriverInstance
    {
        protected internal override long GetLengthBytes() => 2048;

        protected internal override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) => default;
    }
}
