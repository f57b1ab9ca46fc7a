namespace BlockGraph.Tools.Tests.Qcow2;

/// <summary>One combination of what an image of the format may be.</summary>
/// <param name="ClusterBytes">The length of a cluster.</param>
/// <param name="RefcountBits">The width of a reference count.</param>
/// <param name="Version">2 or 3.</param>
/// <param name="HasSubclusters">Extended L2 entries.</param>
/// <param name="Compression">How clusters are compressed: "none", "zlib", "zstd".</param>
/// <param name="Encryption">"none", "aes", "luks".</param>
/// <param name="DataFile">"none", "plain", "raw".</param>
/// <param name="Backing">The format of the backing image, or "none".</param>
internal sealed record Qcow2Shape(int ClusterBytes, int RefcountBits, int Version, bool HasSubclusters, string Compression, string Encryption, string DataFile, string Backing)
{
    private static readonly object[][] s_values =
    [
        [512, 4096, 16384, 65536, 2097152], [1, 2, 4, 8, 16, 32, 64], [2, 3], [false, true], ["none", "zlib", "zstd"], ["none", "aes", "luks"], ["none", "plain", "raw"], ["none", "raw", "qcow2"],
    ];

    /// <summary>No such image can be.</summary>
    public bool IsPossible =>
        (Version == 3 || (RefcountBits == 16 && !HasSubclusters && Compression != "zstd" && DataFile == "none"))
        && (!HasSubclusters || ClusterBytes >= 16384)
        && (Compression == "none" || (Encryption == "none" && DataFile == "none"))
        && (DataFile != "raw" || (Backing == "none" && Encryption == "none"))
        && (RefcountBits >= 4 || Compression == "none");

    /// <summary>At least <paramref name="count"/> shapes, among which every possible pair of two properties occurs.</summary>
    public static IReadOnlyList<Qcow2Shape> Pairwise(int count, int seed)
    {
        Random chance = new(seed);
        Qcow2Shape[] all = [.. All().Where(shape => shape.IsPossible)];
        HashSet<(int, int, object, object)> open = [.. all.SelectMany(Pairs)];
        List<Qcow2Shape> chosen = [];
        while (open.Count > 0 || chosen.Count < count)
        {
            Qcow2Shape best = Enumerable.Range(0, 40).Select(_ => all[chance.Next(all.Length)]).MaxBy(shape => Pairs(shape).Count(open.Contains))!;
            if (open.Count is > 0 and < 20)
            {
                best = all.MaxBy(shape => Pairs(shape).Count(open.Contains))!;
            }

            open.ExceptWith(Pairs(best));
            chosen.Add(best);
        }

        return chosen;
    }

    /// <summary>What <c>-o</c> says of it.</summary>
    /// <param name="name">The image's file, beside which its other files are.</param>
    public string CreateOptions(string name)
    {
        List<string> options = [$"cluster_size={ClusterBytes}", $"compat={(Version == 2 ? "0.10" : "1.1")}"];
        if (Version == 3)
        {
            options.Add($"refcount_bits={RefcountBits}");
            options.Add($"extended_l2={(HasSubclusters ? "on" : "off")}");
            options.Add($"compression_type={(Compression == "zstd" ? "zstd" : "zlib")}");
        }

        if (Encryption != "none")
        {
            options.Add($"encrypt.format={Encryption},encrypt.key-secret=key");
        }

        if (Encryption == "luks")
        {
            options.Add("encrypt.iter-time=10");
        }

        if (DataFile != "none")
        {
            options.Add($"data_file={name}.data,data_file_raw={(DataFile == "raw" ? "on" : "off")}");
        }

        return string.Join(',', options);
    }

    private static IEnumerable<Qcow2Shape> All() =>
        from cluster in s_values[0]
        from bits in s_values[1]
        from version in s_values[2]
        from subclusters in s_values[3]
        from compression in s_values[4]
        from encryption in s_values[5]
        from dataFile in s_values[6]
        from backing in s_values[7]
        select new Qcow2Shape((int)cluster, (int)bits, (int)version, (bool)subclusters, (string)compression, (string)encryption, (string)dataFile, (string)backing);

    private static IEnumerable<(int, int, object, object)> Pairs(Qcow2Shape shape)
    {
        object[] values = [shape.ClusterBytes, shape.RefcountBits, shape.Version, shape.HasSubclusters, shape.Compression, shape.Encryption, shape.DataFile, shape.Backing];
        for (int i = 0; i < values.Length; i++)
        {
            for (int j = i + 1; j < values.Length; j++)
            {
                yield return (i, j, values[i], values[j]);
            }
        }
    }
}
