using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace BlockGraph.Benchmarks.Compare;

/// <summary>What kind of image a row works on.</summary>
internal enum ImageKind
{
    /// <summary>A raw file, all of it written.</summary>
    Raw,

    /// <summary>A qcow2 image, all of it allocated.</summary>
    Qcow2,

    /// <summary>A qcow2 image of which nothing is allocated, at the start of every run.</summary>
    NewQcow2,

    /// <summary>A qcow2 image of which nothing is allocated, over a raw file, all of it written.</summary>
    Overlay,
}

/// <summary>An image whose every block is known, so that what programs read and write can be held against it. QEMU's program makes what is not raw, and reads it back.</summary>
internal sealed partial class TestImage
{
    /// <summary>Every block is full of one byte.</summary>
    public const int BlockBytes = 4096;

    private const int ReadBytes = 1 << 20;
    private const int NotNeeded = 4;
    private readonly byte[] _blocks;

    /// <summary>Makes the image, durable.</summary>
    public TestImage(string path, long lengthBytes, ImageKind kind)
    {
        Path = path;
        Kind = kind;
        _blocks = new byte[lengthBytes / BlockBytes];
        if (kind == ImageKind.NewQcow2)
        {
            Renew();
            return;
        }

        string rawPath = kind == ImageKind.Raw ? path : path + ".raw";
        using (FileStream file = new(rawPath, FileMode.CreateNew, FileAccess.Write))
        {
            byte[] block = new byte[BlockBytes];
            for (int i = 0; i < _blocks.Length; i++)
            {
                // Neighbours differ, and so do blocks that lie 256 apart.
                _blocks[i] = (byte)(((i * 37) + (i / 256 * 11) + 1) & byte.MaxValue);
                Array.Fill(block, _blocks[i]);
                file.Write(block);
            }

            file.Flush(flushToDisk: true);
        }

        if (kind == ImageKind.Overlay)
        {
            RunQemuImg("create", "-q", "-f", "qcow2", "-b", rawPath, "-F", "raw", path);
        }
        else if (kind == ImageKind.Qcow2)
        {
            RunQemuImg("convert", "-S", "0", "-f", "raw", "-O", "qcow2", rawPath, path);
            File.Delete(rawPath);
        }
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>What it is.</summary>
    public ImageKind Kind { get; }

    /// <summary>The name of its format.</summary>
    public string Format => Kind == ImageKind.Raw ? "raw" : "qcow2";

    /// <summary>Its length, in bytes.</summary>
    public long LengthBytes => (long)_blocks.Length * BlockBytes;

    /// <summary>Makes it anew, with nothing allocated.</summary>
    public void Renew()
    {
        File.Delete(Path);
        RunQemuImg("create", "-q", "-f", "qcow2", Path, LengthBytes.ToString(CultureInfo.InvariantCulture));
        Array.Clear(_blocks);
    }

    /// <summary>Notes what writing <paramref name="pattern"/> has left: requests of <paramref name="sizeBytes"/>, whole blocks, each <paramref name="stepBytes"/> behind the last, round and round.</summary>
    public void Note(long count, int sizeBytes, int stepBytes, byte pattern)
    {
        long offset = 0;
        for (long i = 0; i < count; i++, offset = (offset + stepBytes) % LengthBytes)
        {
            _blocks.AsSpan((int)(offset / BlockBytes), sizeBytes / BlockBytes).Fill(pattern);
        }
    }

    /// <summary>Whether every byte is as it was noted; this program reads the file itself, or what QEMU's program has read from the image.</summary>
    public bool HoldsWhatWasNoted()
    {
        if (Kind == ImageKind.Raw)
        {
            return IsNoted(Path);
        }

        string raw = Path + ".check";
        RunQemuImg("convert", "-f", Format, "-O", "raw", Path, raw);
        bool isNoted = IsNoted(raw);
        File.Delete(raw);
        return isNoted;
    }

    private bool IsNoted(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        byte[] buffer = new byte[ReadBytes];
        int index = 0;
        for (int length; (length = file.Read(buffer)) > 0;)
        {
            for (int start = 0; start < length; start += BlockBytes, index++)
            {
                if (index >= _blocks.Length || buffer.AsSpan(start, BlockBytes).IndexOfAnyExcept(_blocks[index]) >= 0)
                {
                    return false;
                }
            }
        }

        return index == _blocks.Length;
    }

    /// <summary>
    /// Takes the file out of the page cache, where looking at its bytes has put it: a write past the cache would first have to throw its pages out, which the kernel leaves to another thread.
    /// </summary>
    public void LeavePageCache()
    {
        using SafeFileHandle file = File.OpenHandle(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
        int error = AdviseFile(file, 0, 0, NotNeeded);
        if (error != 0)
        {
            throw new Win32Exception(error);
        }
    }

    /// <summary>The commands of <c>qemu-io</c> or <c>blockgraph io</c> that read the whole image block by block and hold it against what was noted.</summary>
    public string ReadCommands()
    {
        StringBuilder commands = new();
        for (int i = 0; i < _blocks.Length; i++)
        {
            commands.Append("read -q -P ").Append(_blocks[i]).Append(' ').Append((long)i * BlockBytes).Append(' ').Append(BlockBytes).Append('\n');
        }

        return commands.ToString();
    }

    private static void RunQemuImg(params string[] arguments)
    {
        ChildRun run = ChildRun.Of(ComparedPrograms.QemuImg, arguments);
        if (run.ExitCode != 0)
        {
            throw new ArgumentException($"{ComparedPrograms.QemuImg} {string.Join(' ', arguments)} failed: {run.Output}");
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise64")]
    private static partial int AdviseFile(SafeFileHandle file, long offset, long length, int advice);
}
