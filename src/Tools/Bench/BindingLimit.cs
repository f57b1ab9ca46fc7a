using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Throttling;
using BlockGraph.Drivers.Filters.Throttle;

namespace BlockGraph.Tools.Bench;

/// <summary>The limit that a load meets first: the meter of some throttle group that allows it the fewest requests a second.</summary>
/// <param name="Group">Whose limit.</param>
/// <param name="Meter">Which one.</param>
/// <param name="UnitsPerByte">How many units of the meter a byte of a request costs.</param>
internal sealed record BindingLimit(ThrottleGroup Group, ThrottleMeter Meter, double UnitsPerByte)
{
    /// <summary>The limit, in units per second.</summary>
    public long Rate => Group.Config[Meter].Rate;

    /// <summary>What a unit is.</summary>
    public string Unit => IsBytes(Meter) ? "bytes" : "operations";

    /// <summary>The key that sets the limit.</summary>
    public string Key => ThrottleKeys.Of(Meter, ThrottleKeyPart.Rate).Name;

    /// <summary>True where the burst is used up: the bucket is full, and everything waits for the long-run rate.</summary>
    public bool IsBurstUsedUp()
    {
        LeakyBucket bucket = Group.Bucket(Meter);
        return bucket.Level >= bucket.Capacity;
    }

    /// <summary>True where requests of <paramref name="kind"/> count.</summary>
    public bool Counts(RequestKind kind) => Meter switch
    {
        ThrottleMeter.BpsRead or ThrottleMeter.IopsRead => kind == RequestKind.Read,
        ThrottleMeter.BpsWrite or ThrottleMeter.IopsWrite => kind != RequestKind.Read,
        _ => true,
    };

    /// <summary>The part of the requests of <paramref name="load"/> that count, from 0 to 1.</summary>
    public double ShareOf(BenchLoad load) => ShareOf(Meter, load);

    /// <summary>The limit that <paramref name="load"/> meets first below <paramref name="root"/>, or null where there is none.</summary>
    public static BindingLimit? Find(BlockNode root, BenchLoad load)
    {
        BindingLimit? binding = null;
        double fewest = double.PositiveInfinity;
        foreach (ThrottleGroup group in GroupsOn(root))
        {
            foreach (ThrottleMeter meter in Enum.GetValues<ThrottleMeter>())
            {
                double units = UnitsPerRequest(group.Config, meter, load);
                double requestsPerSecond = group.Config[meter].Rate / (units * ShareOf(meter, load));
                if (group.Config[meter].Rate != 0 && requestsPerSecond < fewest)
                {
                    fewest = requestsPerSecond;
                    binding = new BindingLimit(group, meter, units / load.SizeBytes);
                }
            }
        }

        return binding;
    }

    /// <summary>The throttle nodes on the way from <paramref name="root"/> to its storage.</summary>
    public static IEnumerable<ThrottleGroupMember> MembersOn(BlockNode root)
    {
        for (BlockNode? node = root; node is not null; node = node.FileChild?.Node)
        {
            if (node.Instance is ThrottleFilterInstance throttle)
            {
                yield return throttle.Member;
            }
        }
    }

    // Those of the nodes, and all above them.
    private static IEnumerable<ThrottleGroup> GroupsOn(BlockNode root) => MembersOn(root).SelectMany(member => WithAncestors(member.Group)).Distinct();

    private static IEnumerable<ThrottleGroup> WithAncestors(ThrottleGroup group)
    {
        for (ThrottleGroup? ancestor = group; ancestor is not null; ancestor = ancestor.Parent)
        {
            yield return ancestor;
        }
    }

    private static bool IsBytes(ThrottleMeter meter) => meter is ThrottleMeter.BpsTotal or ThrottleMeter.BpsRead or ThrottleMeter.BpsWrite;

    private static double UnitsPerRequest(ThrottleConfig config, ThrottleMeter meter, BenchLoad load) =>
        IsBytes(meter) ? load.SizeBytes : config.CostInOperations(load.SizeBytes);

    private static double ShareOf(ThrottleMeter meter, BenchLoad load) => meter switch
    {
        ThrottleMeter.BpsRead or ThrottleMeter.IopsRead => load.ReadShare,
        ThrottleMeter.BpsWrite or ThrottleMeter.IopsWrite => 1 - load.ReadShare,
        _ => 1,
    };
}
