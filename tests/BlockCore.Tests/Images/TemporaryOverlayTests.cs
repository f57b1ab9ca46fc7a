using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Images;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.Drivers.Formats.Raw;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Images;

/// <summary>
/// An image under an overlay that takes what is written:
/// <code>
///   backend ──► cow ──backing──► raw ──► memory (base)
///                └──file──► memory (overlay)
/// </code>
/// </summary>
[TestFixture]
public sealed class TemporaryOverlayTests : ImageTests
{
    private const string Base = "driver=raw,file.driver=memory,file.filename=base";

    [Test]
    public void What_is_written_stays_out_of_the_image()
    {
        byte[] before = Pattern(4 * Cluster);
        Put("base", before);
        Fixture.Run(async () =>
        {
            byte[] expected = [.. before];
            expected.AsSpan(Cluster / 2, Cluster).Fill(0xee);
            await using (BlockBackend backend = await OpenAsync())
            {
                Assert.That(backend.LengthBytes, Is.EqualTo(before.Length), "the length is the image's");
                await backend.WriteAsync(Cluster / 2, expected.AsMemory(Cluster / 2, Cluster));
                Assert.That(await ReadAllAsync(backend), Is.EqualTo(expected), "the overlay over the image");
                Assert.That(backend.Root!.CowChild!.Node.IsReadOnly, Is.True, "the image is read-only");
            }

            Assert.That(Fixture.Memory.Storage("base").Bytes, Is.EqualTo(before), "the image");
            Assert.That(Fixture.Graph.Nodes, Is.Empty, "nothing stays open");
        });
    }

    [Test]
    public void The_overlay_takes_the_options_and_the_permissions()
    {
        Put("base", Pattern(Cluster));
        Fixture.Run(async () =>
        {
            await using BlockBackend backend = await TemporaryOverlay.OpenAsync(
                Fixture.Graph, GraphFixture.Options(Base), "cow", "memory:overlay", new OptionsDictionary { { "node-name", "top" }, { "read-only", "on" } }, new BackendOptions { ReadOnly = true });
            Assert.That(backend.Root!.Name, Is.EqualTo("top"), "the name");
            Assert.That(backend.Permissions.Required & BlockPermissions.Write, Is.EqualTo(BlockPermissions.None), "no writing");
            BlockException error = await Failure.OfAsync<BlockException>(() => backend.WriteAsync(0, new byte[512]).AsTask());
            Assert.That(error.Message, Does.Contain("read-only"), "a write");
        });
    }

    [Test]
    public void Whatever_step_fails_no_node_is_left_and_the_image_is_as_it_was()
    {
        int stepCount = FailAt(0);
        Assert.That(stepCount, Is.GreaterThanOrEqualTo(8), "the count of steps fell");
        for (int failing = 1; failing <= stepCount; failing++)
        {
            FailAt(failing);
        }
    }

    [Test]
    public void A_format_without_images_or_an_image_that_is_missing_is_told()
    {
        Put("base", Pattern(Cluster));
        Fixture.Run(async () =>
        {
            BlockException format = await Failure.OfAsync<BlockException>(() => OpenAsync(format: "nope"));
            Assert.That(format.Message, Does.StartWith("Unknown file format 'nope'"), "the format");
            BlockException image = await Failure.OfAsync<BlockException>(() => OpenAsync("driver=raw,file.driver=nope"));
            Assert.That(image.Message, Does.Contain("'nope'"), "the image");
            Assert.That(Fixture.Memory.Has("overlay"), Is.False, "no file is made for an image that cannot be opened");
        });
    }

    private Task<BlockBackend> OpenAsync(string image = Base, string format = "cow") =>
        TemporaryOverlay.OpenAsync(Fixture.Graph, GraphFixture.Options(image), format, "memory:overlay", []);

    // Opens, failing at the step of that number (0: none); returns how many there are.
    private static int FailAt(int failing)
    {
        int step = 0;
        using GraphFixture fixture = new(drivers: [new RawDriver()]);
        byte[] before = Pattern(Cluster);
        fixture.Memory.Storage("base").Replace([.. before]);
        fixture.StepHook = _ =>
        {
            if (++step == failing)
            {
                throw new InvalidDataException($"on purpose at {failing}");
            }
        };
        fixture.Run(async () =>
        {
            Task<BlockBackend> Open() => TemporaryOverlay.OpenAsync(fixture.Graph, GraphFixture.Options(Base), "cow", "memory:overlay", []);
            if (failing == 0)
            {
                BlockBackend backend = await Open();
                fixture.StepHook = null;
                await backend.DisposeAsync();
                return;
            }

            // Closing goes on whatever a hook says: a failure there may be told or not, but leaves nothing either.
            try
            {
                await using BlockBackend backend = await Open();
            }
            catch (InvalidDataException)
            {
                Assert.That(fixture.Graph.Nodes, Is.Empty, $"nodes after failing at step {failing}");
            }

            Assert.That(fixture.Memory.Storage("base").Bytes, Is.EqualTo(before), $"the image after failing at step {failing}");
        });
        Assert.That(fixture.Graph.Nodes, Is.Empty, $"nodes in the end, step {failing}");
        return step;
    }
}
