using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Tools.Io;

/// <summary>How an image is opened, beside its options.</summary>
internal sealed record IoOpenMode
{
    /// <summary>Open without write permission.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Share every permission; needs a read-only image.</summary>
    public bool IsForceShare { get; init; }

    /// <summary>Copy what is read from backing files into the image.</summary>
    public bool CopiesOnRead { get; init; }

    /// <summary>Write to a temporary overlay that is gone afterwards.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>How files of the host carry requests out where the options say nothing of it; null: as they choose.</summary>
    public string? Aio { get; init; }

    /// <summary>Bypass the host's page cache; null: as the options say.</summary>
    public bool? CacheDirect { get; init; }

    /// <summary>Ignore flushes; null: as the options say.</summary>
    public bool? CacheNoFlush { get; init; }

    /// <summary>Every write is durable when it completes.</summary>
    public bool IsWritethrough { get; init; }

    /// <summary>What becomes of discards where the options say nothing of it.</summary>
    public string Discard { get; init; } = "unmap";

    /// <summary>The flags of every write.</summary>
    public RequestFlags WriteFlags => IsWritethrough ? RequestFlags.Fua : RequestFlags.None;

    /// <summary>The mode with the cache set as QEMU's cache modes say, or null for an unknown one.</summary>
    public IoOpenMode? WithCacheMode(string mode) => mode switch
    {
        "none" or "off" => this with { CacheDirect = true, CacheNoFlush = false, IsWritethrough = false },
        "directsync" => this with { CacheDirect = true, CacheNoFlush = false, IsWritethrough = true },
        "writeback" => this with { CacheDirect = false, CacheNoFlush = false, IsWritethrough = false },
        "unsafe" => this with { CacheDirect = false, CacheNoFlush = true, IsWritethrough = false },
        "writethrough" => this with { CacheDirect = false, CacheNoFlush = false, IsWritethrough = true },
        _ => null,
    };

    /// <summary>The mode with discards as <paramref name="mode"/> says, or null for an unknown one.</summary>
    public IoOpenMode? WithDiscardMode(string mode) => mode is "ignore" or "off" or "unmap" or "on" ? this with { Discard = mode } : null;

    /// <summary>The mode with requests carried out as <paramref name="mode"/> says, or null for an unknown one.</summary>
    public IoOpenMode? WithAio(string mode) => mode is "threads" or "native" or "io_uring" ? this with { Aio = mode } : null;

    /// <summary>The flat form of <paramref name="options"/> with this mode in it.</summary>
    public OptionsDictionary ApplyTo(OptionsDictionary options)
    {
        OptionsDictionary flat = options.Flatten();
        if (IsReadOnly)
        {
            flat["read-only"] = "on";
        }

        if (IsForceShare)
        {
            flat["force-share"] = "on";
        }

        if (CacheDirect is { } direct)
        {
            flat.SetDefault("cache.direct", direct);
        }

        if (CacheNoFlush is { } noFlush)
        {
            flat.SetDefault("cache.no-flush", noFlush);
        }

        flat.SetDefault("discard", Discard);
        return flat;
    }
}
