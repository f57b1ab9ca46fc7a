using System.IO.Pipes;
using BlockGraph.Tools.Dispatch.Linux;
using Microsoft.Win32.SafeHandles;

namespace BlockGraph.Tools.Tests;

/// <summary>Standard output written straight to its descriptor.</summary>
[TestFixture]
[Platform("Linux", Reason = "descriptors are Linux's")]
public sealed class StandardStreamTests
{
    // More than a pipe holds: the writer has to go on where it was stopped.
    private const int LengthBytes = 1 << 20;

    [Test]
    public async Task What_is_written_arrives_whole()
    {
        using AnonymousPipeServerStream reader = new(PipeDirection.In);
        byte[] sent = [.. Enumerable.Range(0, LengthBytes).Select(i => (byte)(i * 7 % 251))];
        Thread writer = new(() =>
        {
            using StandardStream stream = new(Descriptor(reader));
            stream.Write(sent);
            stream.Write(sent, 10, 20);
            reader.DisposeLocalCopyOfClientHandle();
        });
        writer.Start();
        using MemoryStream received = new();
        await reader.CopyToAsync(received);
        writer.Join();
        Assert.That(received.ToArray().AsSpan().SequenceEqual([.. sent, .. sent.AsSpan(10, 20)]), Is.True, "the bytes");
    }

    [Test]
    public void That_nobody_reads_any_more_is_no_error()
    {
        AnonymousPipeServerStream reader = new(PipeDirection.In);
        using SafePipeHandle kept = reader.ClientSafePipeHandle;
        reader.SafePipeHandle.Dispose();
        using StandardStream stream = new((int)kept.DangerousGetHandle());
        Assert.That(() => stream.Write("nobody"u8), Throws.Nothing);
    }

    [Test]
    public void A_descriptor_that_is_not_open_is_told()
    {
        using StandardStream stream = new(1_000_000);
        Assert.That(() => stream.Write("x"u8), Throws.InstanceOf<IOException>().With.Message.Contains("descriptor"));
    }

    [Test]
    public void An_output_that_cannot_be_written_is_one_line_and_exit_code_1()
    {
        using SafeFileHandle full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        using StandardStream stream = new((int)full.DangerousGetHandle());
        ToolRun run = ToolRun.On(new TestConsole { Output = stream }, "blockgraph", "drivers");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((1, "blockgraph: Standard input or output: No space left on device\n")));
    }

    private static int Descriptor(AnonymousPipeServerStream pipe) => (int)pipe.ClientSafePipeHandle.DangerousGetHandle();
}
