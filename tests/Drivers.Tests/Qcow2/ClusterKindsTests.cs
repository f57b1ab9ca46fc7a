using BlockGraph.Drivers.Formats.Qcow2;
using BlockGraph.Drivers.Formats.Qcow2.Check;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>What lies in clusters, and which clusters: beside a dictionary and a set that are given the same.</summary>
[TestFixture]
public sealed class ClusterKindsTests
{
    [Test]
    public void Kinds_are_those_that_were_added_and_not_removed([Values(1, 64, 1L << 33)] long stride)
    {
        Random random = new(11);
        Dictionary<long, MetadataKind> wanted = [];
        ClusterKinds kinds = new();
        for (int i = 0; i < 20_000; i++)
        {
            long cluster = random.Next(900) * stride;
            MetadataKind kind = (MetadataKind)(1 << random.Next(9));
            MetadataKind before = wanted.GetValueOrDefault(cluster);
            if (random.Next(5) < 2)
            {
                Assert.That(kinds.Add(cluster, kind), Is.EqualTo(before), $"what was in cluster {cluster} before step {i}");
                wanted[cluster] = before | kind;
            }
            else
            {
                kinds.Remove(cluster, kind);
                wanted[cluster] = before & ~kind;
            }
        }

        Assert.That(Enumerable.Range(0, 901).Select(i => kinds.Get(i * stride)), Is.EqualTo(Enumerable.Range(0, 901).Select(i => wanted.GetValueOrDefault(i * stride))), "each cluster");
        (long, MetadataKind)[] all = [.. wanted.Where(static pair => pair.Value != MetadataKind.None).Select(static pair => (pair.Key, pair.Value)).Order()];
        Assert.That(kinds.All.Order(), Is.EqualTo(all), "all of them");
        Assert.That(kinds.Count, Is.EqualTo(all.Length), "how many");
    }

    [Test]
    public void Kinds_stay_when_room_is_made_and_go_when_they_are_cleared()
    {
        ClusterKinds kinds = new();
        Assert.That((kinds.Get(0), kinds.Count), Is.EqualTo((MetadataKind.None, 0)), "at first");
        kinds.Remove(5, MetadataKind.Header);
        kinds.Add((1L << 54) - 1, MetadataKind.BitmapDirectory);
        kinds.Reserve(100_000);
        Assert.That(kinds.Get((1L << 54) - 1), Is.EqualTo(MetadataKind.BitmapDirectory), "the last cluster that there can be");
        kinds.Clear();
        Assert.That(kinds.All, Is.Empty, "after it was cleared");
        Assert.That(kinds.Add(3, MetadataKind.Header), Is.EqualTo(MetadataKind.None), "added anew");
    }

    [Test]
    public void Uses_are_added_up_however_many_they_are()
    {
        Random random = new(12);
        Dictionary<long, ulong> wanted = [];
        ClusterUses uses = new();
        foreach (ulong max in new[] { 2UL, 40_000UL, 1UL << 40 })
        {
            for (int i = 0; i < 2000; i++)
            {
                long cluster = random.Next(300);
                ulong count = (ulong)random.NextInt64((long)max);
                uses.Add(cluster, count);
                wanted[cluster] = wanted.GetValueOrDefault(cluster) + count;
            }

            uses.Add(7, 65536 - (wanted[7] & 65535));
            wanted[7] = uses.Get(7);
            Assert.That(wanted[7] & 65535, Is.Zero, "one with no low part");
            Assert.That(Enumerable.Range(0, 301).Select(cluster => uses.Get(cluster)), Is.EqualTo(Enumerable.Range(0, 301).Select(cluster => wanted.GetValueOrDefault(cluster))), $"up to {max} at once");
        }

        uses.Clear();
        Assert.That(uses.Get(7), Is.Zero, "after they were cleared");
    }

    [Test]
    public void A_set_has_runs_of_what_was_added_and_not_removed([Values(100, 4096, 20_000)] int clusterCount)
    {
        Random random = new(clusterCount);
        SortedSet<long> wanted = [];
        ClusterSet set = new();
        for (int i = 0; i < clusterCount / 3; i++)
        {
            long first = random.Next(clusterCount);
            bool isAdded = random.Next(3) > 0;
            for (long cluster = first; cluster < first + random.Next(1, 9); cluster++)
            {
                _ = isAdded ? wanted.Add(cluster) : wanted.Remove(cluster);
                (isAdded ? set.Add : (Action<long>)set.Remove)(cluster);
            }
        }

        Assert.That(Enumerable.Range(0, clusterCount + 9).Where(i => set.Contains(i)), Is.EqualTo(wanted.Select(static cluster => (int)cluster)), "each");
        List<(long First, long Count)> runs = [.. set.Runs()];
        Assert.That(runs.SelectMany(static run => Enumerable.Range(0, (int)run.Count).Select(i => run.First + i)), Is.EqualTo(wanted), "all, in order");
        Assert.That(runs.Zip(runs.Skip(1)).All(static pair => pair.First.First + pair.First.Count < pair.Second.First), Is.True, "no run goes on where another ends");
    }
}
