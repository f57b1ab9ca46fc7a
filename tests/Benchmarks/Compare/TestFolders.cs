namespace BlockGraph.Benchmarks.Compare;

/// <summary>Where rows have their images.</summary>
internal enum ImageStore
{
    /// <summary>Nowhere: null-co.</summary>
    None,

    /// <summary>In a file system in memory.</summary>
    Memory,

    /// <summary>In a file system on a disk, all of it in the page cache.</summary>
    Disk,
}

/// <summary>The folders of one run, and the images in them, made when a row first asks for them; all gone with it.</summary>
internal sealed class TestFolders : IDisposable
{
    private const string SharedMemory = "/dev/shm";
    private const long ImageBytes = 256L << 20;

    // Written images are flushed at the end of every run: what the disk does then must not be the most of it.
    private const long WrittenImageBytes = 64L << 20;

    // Every run of a row that allocates starts with an empty image, and is over when it is full.
    private const long NewImageBytes = 1L << 30;
    private readonly Dictionary<(ImageStore, bool, ImageKind), TestImage> _images = [];
    private readonly List<string> _folders = [];

    /// <summary>Folders below <paramref name="parent"/>; null: each where its kind is found by itself.</summary>
    public TestFolders(string? parent)
    {
        DiskParent = parent ?? Path.GetTempPath();
        MemoryParent = parent is not null && FileSystemOf(parent) == "tmpfs" ? parent : Directory.Exists(SharedMemory) && FileSystemOf(SharedMemory) == "tmpfs" ? SharedMemory : null;
    }

    /// <summary>Where images in memory are made, or null where there is no such file system.</summary>
    public string? MemoryParent { get; }

    /// <summary>Where images on a disk are made.</summary>
    public string DiskParent { get; }

    /// <summary>Why rows of <paramref name="store"/> cannot be measured here, or null where they can.</summary>
    public string? Refusal(ImageStore store, bool isDirect)
    {
        if (store == ImageStore.Memory)
        {
            return MemoryParent is null ? $"no tmpfs at {SharedMemory} (or --dir)" : null;
        }

        if (store == ImageStore.None)
        {
            return null;
        }

        string fileSystem = FileSystemOf(DiskParent);
        return fileSystem == "tmpfs" ? $"{DiskParent} is on tmpfs (--dir names a folder on a disk)"
            : isDirect && !SupportsDirect() ? $"{fileSystem} at {DiskParent} takes no O_DIRECT"
            : null;
    }

    /// <summary>The image in <paramref name="store"/> that is read, or the one that is written.</summary>
    public TestImage Image(ImageStore store, bool isWritten, ImageKind kind = ImageKind.Raw)
    {
        if (!_images.TryGetValue((store, isWritten, kind), out TestImage? image))
        {
            string folder = Path.Combine(store == ImageStore.Memory ? MemoryParent! : DiskParent, $"blockgraph-compare-{Environment.ProcessId}");
            if (!_folders.Contains(folder))
            {
                Directory.CreateDirectory(folder);
                _folders.Add(folder);
            }

            string path = Path.Combine(folder, $"{store}-{(isWritten ? "written" : "read")}-{kind}.img".ToLowerInvariant());
            image = new TestImage(path, kind == ImageKind.NewQcow2 ? NewImageBytes : isWritten ? WrittenImageBytes : ImageBytes, kind);
            _images.Add((store, isWritten, kind), image);
        }

        return image;
    }

    /// <summary>The type of the file system that <paramref name="folder"/> is in.</summary>
    public static string FileSystemOf(string folder) => ChildRun.Of("df", "--output=fstype", folder).Output.Trim().Split('\n')[^1];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (string folder in _folders)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private bool SupportsDirect() =>
        ChildRun.Of("dd", $"if={Image(ImageStore.Disk, isWritten: false).Path}", "of=/dev/null", "iflag=direct", "bs=4096", "count=1").ExitCode == 0;
}
