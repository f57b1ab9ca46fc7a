using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>Files get other lengths, with and without their space. The texts are those observed of qemu-io and qemu-img 7.2.</summary>
[TestFixture("linux")]
[TestFixture("portable")]
public sealed class FileLengthTests(string engine) : FileDriverFixture(engine)
{
    private const int LengthBytes = 100_000;
    private const int LongerBytes = 3_000_000;

    [Test]
    public void In_the_qemu_profile_a_file_has_whole_sectors()
    {
        string path = MakeFile("odd.img", Pattern(1000, seed: 1));
        Run(async () =>
        {
            await using BlockBackend exact = await OpenAsync($"driver=raw,file.filename={path},read-only=on");
            Assert.That(exact.LengthBytes, Is.EqualTo(1000), "ours is as long as it is");
        });
        GraphFixture world = AddWorld(profile: CompatibilityProfile.Qemu);
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=raw,file.filename={path}");
            Assert.That(backend.LengthBytes, Is.EqualTo(1024), "two sectors");
            byte[] bytes = [.. Enumerable.Repeat((byte)7, 1024)];
            await backend.ReadAsync(0, bytes);
            Assert.That(bytes, Is.EqualTo((byte[])[.. Pattern(1000, seed: 1), .. new byte[24]]), "what the last one lacks reads as zeros");
            BlockStatus status = await backend.GetStatusAsync(0, 1024);
            Assert.That((status.LengthBytes, status.Flags & BlockStatusFlags.Data), Is.EqualTo((Platform.Name == "linux" ? 1000L : 1024L, BlockStatusFlags.Data)), "data end where the file ends, as far as the engine can see it");
            await backend.WriteAsync(1020, new byte[] { 9, 9, 9, 9 });
            Assert.That(File.ReadAllBytes(path), Has.Length.EqualTo(1024), "a write there makes the file longer");
        });
    }

    [TestCase("driver=file,filename=*")]
    [TestCase("driver=raw,file.filename=*")]
    [TestCase("driver=raw,offset=4096,file.filename=*")]
    public void A_longer_file_holds_what_it_held_and_zeros_and_has_the_space_that_was_asked_for(string stack) => Run(async () =>
    {
        foreach (PreallocationMode mode in new[] { PreallocationMode.Off, PreallocationMode.Falloc, PreallocationMode.Full })
        {
            byte[] old = Pattern(LengthBytes, seed: 3);
            string path = MakeFile($"{mode}.img", old);
            int skipped = stack.Contains("offset", StringComparison.Ordinal) ? 4096 : 0;
            await using (BlockBackend backend = await OpenAsync(stack.Replace("*", path, StringComparison.Ordinal)))
            {
                await backend.TruncateAsync(LongerBytes, preallocation: mode);
                Assert.That(backend.LengthBytes, Is.EqualTo(LongerBytes), $"{mode}: the length");
            }

            byte[] bytes = File.ReadAllBytes(path);
            Assert.That(bytes, Has.Length.EqualTo(LongerBytes + skipped), $"{mode}: the file's length");
            Assert.That(bytes.AsSpan(0, LengthBytes).SequenceEqual(old), $"{mode}: what it held");
            Assert.That(bytes.AsSpan(LengthBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), $"{mode}: zeros");
            Assert.That(AllocatedBytes(path) >= LongerBytes, Is.EqualTo(mode != PreallocationMode.Off), $"{mode}: the space");
        }
    });

    [TestCase(LengthBytes - 1, PreallocationMode.Falloc, BlockErrorKind.InvalidArgument, "Cannot use preallocation for shrinking files")]
    [TestCase(0, PreallocationMode.Full, BlockErrorKind.InvalidArgument, "Cannot use preallocation for shrinking files")]
    [TestCase(LengthBytes - 1, PreallocationMode.Metadata, BlockErrorKind.InvalidArgument, "Cannot use preallocation for shrinking files")]
    [TestCase(LengthBytes, PreallocationMode.Metadata, BlockErrorKind.NotSupported, "Unsupported preallocation mode: metadata")]
    [TestCase(LongerBytes, PreallocationMode.Metadata, BlockErrorKind.NotSupported, "Unsupported preallocation mode: metadata")]
    public void What_a_file_cannot_do_is_refused(long length, PreallocationMode mode, BlockErrorKind kind, string text) => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 4));
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path}");
        BlockException refusal = await RefusedAsync(() => backend.TruncateAsync(length, preallocation: mode));
        Assert.That((refusal.Kind, refusal.Message), Is.EqualTo((kind, text)), "the refusal");
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(Pattern(LengthBytes, seed: 4)), "nothing has changed");
    });

    [TestCase(PreallocationMode.Falloc)]
    [TestCase(PreallocationMode.Full)]
    public void The_length_that_it_has_is_no_change(PreallocationMode mode) => Run(async () =>
    {
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 5));
        await using BlockBackend backend = await OpenAsync($"driver=file,filename={path}");
        await backend.TruncateAsync(LengthBytes, preallocation: mode);
        Assert.That(File.ReadAllBytes(path).AsSpan().SequenceEqual(Pattern(LengthBytes, seed: 5)), "the bytes");
    });

    [TestCase(PreallocationMode.Off, "set length", "Could not resize file: Input/output error")]
    [TestCase(PreallocationMode.Falloc, "allocate", "Could not preallocate new data: Input/output error")]
    [TestCase(PreallocationMode.Full, "set length", "Could not resize file: Input/output error")]
    [TestCase(PreallocationMode.Full, "write", "Could not write zeros for preallocation: Input/output error")]
    public void A_file_that_cannot_grow_keeps_its_length(PreallocationMode mode, string call, string text)
    {
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 6));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path}");
            bool hasFailed = false;
            platform.Fault = (name, _) =>
            {
                if (name == call && !hasFailed)
                {
                    hasFailed = true;
                    throw FaultyPlatform.Broken();
                }
            };
            BlockException refusal = await RefusedAsync(() => backend.TruncateAsync(LongerBytes, preallocation: mode));
            Assert.That(refusal.Message, Is.EqualTo(text), "what failed");
            Assert.That((backend.LengthBytes, new FileInfo(path).Length), Is.EqualTo(((long)LengthBytes, (long)LengthBytes)), "the lengths");
            await backend.TruncateAsync(LongerBytes, preallocation: mode);
            Assert.That(new FileInfo(path).Length, Is.EqualTo(LongerBytes), "and it grows when it can");
        });
    }

    [Test]
    public void A_file_that_cannot_go_back_to_its_length_says_so()
    {
        FaultyPlatform platform = new(Platform);
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 6));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path}");
            int lengths = 0;
            platform.Fault = (name, _) =>
            {
                if (name == "write" || (name == "set length" && lengths++ == 1))
                {
                    throw FaultyPlatform.Broken();
                }
            };
            BlockException refusal = await RefusedAsync(() => backend.TruncateAsync(LongerBytes, preallocation: PreallocationMode.Full));
            Assert.That(
                refusal.Message,
                Is.EqualTo("Could not write zeros for preallocation: Input/output error; the file is longer now: Input/output error"),
                "both failures");
        });
    }

    [Test]
    public void Space_that_the_system_cannot_take_without_writing_is_written()
    {
        FaultyPlatform platform = new(Platform) { AllocatesSpace = false };
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(LengthBytes, seed: 7));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path}");
            await backend.TruncateAsync(LongerBytes, preallocation: PreallocationMode.Falloc);
        });
        Assert.That(AllocatedBytes(path), Is.GreaterThanOrEqualTo(LongerBytes), "the space is there");
        Assert.That(File.ReadAllBytes(path).AsSpan(0, LengthBytes).SequenceEqual(Pattern(LengthBytes, seed: 7)), "what it held");
    }

    [TestCase(LengthBytes, LongerBytes)]
    [TestCase(LengthBytes / 512 * 512, (LongerBytes / 512 * 512) + 512)]
    public void Past_the_page_cache_whole_blocks_are_written_and_nothing_else_changes(int oldBytes, int newBytes)
    {
        FaultyPlatform platform = new(Platform) { ClaimsDirect = true, AlignmentBytes = 512 };
        GraphFixture world = AddWorld(platform: platform);
        string path = MakeFile("a.img", Pattern(oldBytes, seed: 8));
        world.Run(async () =>
        {
            await using BlockBackend backend = await OpenAsync(world.Graph, $"driver=file,filename={path},cache.direct=on", new BackendOptions { CanResize = true });
            await backend.TruncateAsync(newBytes, preallocation: PreallocationMode.Full);
        });
        byte[] bytes = File.ReadAllBytes(path);
        Assert.That(bytes, Has.Length.EqualTo(newBytes), "the length");
        Assert.That(bytes.AsSpan(0, oldBytes).SequenceEqual(Pattern(oldBytes, seed: 8)), "what it held");
        Assert.That(bytes.AsSpan(oldBytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1), "zeros");
    }

    [TestCase("off")]
    [TestCase("falloc")]
    [TestCase("full")]
    public void Files_come_out_as_those_of_qemu_io(string mode) => Run(async () =>
    {
        string theirs = MakeFile("theirs.img", Pattern(LengthBytes, seed: 9));
        string ours = MakeFile("ours.img", Pattern(LengthBytes, seed: 9));
        string printed = QemuIo.Run("-f", "raw", "-c", $"truncate -m {mode} {LongerBytes}", theirs);
        Assert.That(printed, Is.Empty, "qemu-io is content");
        await using (BlockBackend backend = await OpenAsync($"driver=raw,file.filename={ours}"))
        {
            await backend.TruncateAsync(LongerBytes, preallocation: Enum.GetValues<PreallocationMode>().Single(m => m.ToName() == mode));
        }

        Assert.That(File.ReadAllBytes(ours).AsSpan().SequenceEqual(File.ReadAllBytes(theirs)), "the bytes");
        Assert.That(AllocatedBytes(ours) >= LongerBytes, Is.EqualTo(AllocatedBytes(theirs) >= LongerBytes), "the space");
    });
}
