using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files.Engines;

/// <summary>
/// One way of carrying out transfers: <c>AIO[,direct][,memory][,blocking][,pumped]</c>. The file lies on a disk, or in memory (tmpfs); the loop may block
/// or not; its thread is its own for life, or whichever pumps it.
/// </summary>
[NonParallelizable]
public abstract class EngineFixture(string way)
{
    /// <summary>Every way that there is.</summary>
    protected static readonly string[] s_ways =
    [
        "Auto", "Auto,blocking", "Auto,memory", "Auto,direct", "Auto,direct,blocking", "Auto,direct,pumped",
        "Threads", "Threads,direct", "Native,direct", "IoUring", "IoUring,memory", "IoUring,direct", "IoUring,direct,pumped",
    ];

    private string _folder = "";

    /// <summary>The loop of the test.</summary>
    protected PolledAioContext Context { get; private set; } = null!;

    /// <summary>True where transfers go past the page cache.</summary>
    protected bool IsDirect { get; } = way.Contains("direct", StringComparison.Ordinal);

    /// <summary>True where the file lies in a file system in memory.</summary>
    protected bool IsInMemory { get; } = way.Contains("memory", StringComparison.Ordinal);

    /// <summary>What transfers must be multiples of here, in bytes, where the test chooses them so.</summary>
    protected int UnitBytes => IsDirect ? 4096 : 1;

    /// <summary>How transfers are carried out.</summary>
    protected HostFileAio Aio { get; } = Enum.Parse<HostFileAio>(way.Split(',')[0]);

    /// <summary>True where the loop carries out by itself what may wait for the file, if it is alone.</summary>
    protected bool MayWaitOnLoop => Aio == HostFileAio.Auto && (IsInMemory || way.Contains("blocking", StringComparison.Ordinal));

    [SetUp]
    public void MakeLoop()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("these ways are Linux's");
        }

        if (IsInMemory && !Directory.Exists("/dev/shm"))
        {
            Assert.Ignore("there is no file system in memory here");
        }

        _folder = Path.Combine(IsInMemory ? "/dev/shm" : TestContext.CurrentContext.WorkDirectory, "engine-" + TestContext.CurrentContext.Test.ID + "-" + Environment.ProcessId);
        Directory.CreateDirectory(_folder);
        Context = new PolledAioContext("test", platform: HostPlatform.Linux)
        {
            MayBlock = way.Contains("blocking", StringComparison.Ordinal),
            HasOneThread = !way.Contains("pumped", StringComparison.Ordinal),
        };
    }

    [TearDown]
    public void RemoveLoop()
    {
        Context?.Dispose();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Makes a file that holds <paramref name="content"/> and opens it the fixture's way.</summary>
    protected HostFile MakeFile(byte[] content, string name = "a.img")
    {
        File.WriteAllBytes(Path.Combine(_folder, name), content);
        return Open(name);
    }

    /// <summary>Opens a file of the test's folder the fixture's way.</summary>
    protected HostFile Open(string name = "a.img", bool isWritable = true) =>
        HostPlatform.Linux.OpenFile(new HostFileOptions(PathOf(name)) { IsWritable = isWritable, IsDirect = IsDirect, Aio = Aio });

    /// <summary>Where a file of the test lies.</summary>
    protected string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Begins a transfer at home.</summary>
    protected Task BeginAsync(HostFile file, RequestKind kind, long offset, IoVector buffer, RequestFlags flags = RequestFlags.None) =>
        new TestTransfer(Context).SubmitAsync(file, kind, offset, buffer, flags);

    /// <summary>Memory that suits the fixture's way, full of <paramref name="value"/>.</summary>
    protected static Memory<byte> Buffer(int lengthBytes, byte value = 0xEE)
    {
        Memory<byte> memory = AlignedBuffer.Allocate(lengthBytes, 4096);
        memory.Span.Fill(value);
        return memory;
    }

    /// <summary>Bytes that a seed decides.</summary>
    protected static byte[] Pattern(int lengthBytes, int seed)
    {
        byte[] bytes = new byte[lengthBytes];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class TestTransfer(AioContext context) : HostTransfer(context)
    {
        public async Task SubmitAsync(HostFile file, RequestKind kind, long offset, IoVector buffer, RequestFlags flags) =>
            await Begin(file, kind, offset, buffer, flags);

        protected override void Recycle() => Forget();
    }
}
