using BlockGraph.BlockCore.Throttling;
using CsCheck;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>
/// What holds for any load on one group, checked against a bucket that the test fills itself, admission by admission: nothing starts too
/// early, nothing waits while there is room, queues keep their order, and what is charged is what was admitted.
/// </summary>
[TestFixture]
public sealed class ThrottlePropertyTests
{
    private const long Ms = 1_000_000;

    // What truncation to whole nanoseconds makes.
    private const long SlackNs = 2;

    // Rate, burst beyond it, burst length, paced; then member, size and instant of each request.
    private static readonly Gen<((int Rate, int Extra, int LengthSeconds, bool IsPaced) Limits, (int Member, int Bytes, int AtMs)[] Requests)> s_load = Gen.Select(
        Gen.Select(Gen.Int[1, 20_000], Gen.Int[0, 30_000], Gen.Int[1, 4], Gen.Bool),
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4000], Gen.Int[0, 500]).Array[1, 50]);

    [TestCase(false)]
    [TestCase(true)]
    public void Nothing_starts_too_early_and_nothing_waits_while_there_is_room(bool isSpread) => s_load.Sample(load =>
    {
        using ThrottleWorld world = Run(load, isSpread);
        LeakyBucket bucket = NewBucket(world);
        long lastNs = 0;
        foreach (int number in world.Order)
        {
            long atNs = world.AdmittedAtNs[number];
            if (atNs > load.Requests[number].AtMs * Ms && atNs - SlackNs > lastNs)
            {
                LeakyBucket before = bucket;
                before.Leak(atNs - SlackNs - lastNs);
                Assert.That(before.WaitNs(), Is.Positive, $"request {number} could have started before {atNs} ns");
            }

            Assert.That(LeastWaitNs(bucket, atNs - lastNs), Is.LessThanOrEqualTo(2 * SlackNs), $"request {number} starts at {atNs} ns");
            bucket.Leak(atNs - lastNs);
            bucket.Charge(load.Requests[number].Bytes);
            lastNs = atNs;
        }
    });

    [TestCase(false)]
    [TestCase(true)]
    public void A_member_s_requests_start_in_the_order_in_which_they_came(bool isSpread) => s_load.Sample(load =>
    {
        using ThrottleWorld world = Run(load, isSpread);
        foreach (IGrouping<int, int> member in world.Order.GroupBy(number => load.Requests[number].Member))
        {
            Assert.That(member.Select(number => (load.Requests[number].AtMs, number)), Is.Ordered, $"member {member.Key}");
        }
    });

    [Test]
    public void What_is_charged_is_what_was_admitted() => s_load.Sample(load =>
    {
        using ThrottleWorld world = Run(load, isSpread: true);
        LeakyBucket bucket = NewBucket(world);
        long lastNs = 0;
        foreach (int number in world.Order)
        {
            bucket.Leak(world.AdmittedAtNs[number] - lastNs);
            bucket.Charge(load.Requests[number].Bytes);
            lastNs = world.AdmittedAtNs[number];
        }

        LeakyBucket charged = world.Group.Bucket(ThrottleMeter.BpsTotal);
        Assert.That(charged.Level, Is.EqualTo(bucket.Level).Within(1e-6 * Math.Max(1, bucket.Level)), "the level");
        Assert.That(charged.BurstLevel, Is.EqualTo(bucket.BurstLevel).Within(1e-6 * Math.Max(1, bucket.BurstLevel)), "the burst level");
    });

    // Between two requests of one that waits, each of the others with something waiting has at most one turn.
    [Test]
    public void Nobody_starves() => Gen.Select(Gen.Int[2, 6], Gen.Int[1, 30], Gen.Int[5, 15]).Sample((memberCount, rate, count) =>
    {
        using ThrottleWorld world = new(Limits(("iops-total", rate)), memberCount);
        int[][] requests = [.. world.Members.Select(member => world.SubmitMany(count, member))];
        world.Run();

        int[] owners = [.. world.Order.Where(number => world.AdmittedAtNs[number] > 0).Select(number => Array.FindIndex(requests, own => own.Contains(number)))];
        for (int member = 0; member < memberCount; member++)
        {
            int[] turns = [.. owners.Index().Where(turn => turn.Item == member).Select(turn => turn.Index)];
            int longest = turns.Zip(turns.Skip(1), (earlier, later) => later - earlier).DefaultIfEmpty(0).Max();
            Assert.That(longest, Is.LessThanOrEqualTo(memberCount), $"member {member} of {memberCount} waits for {longest} turns");
        }
    });

    // Who waits for the bucket of the rate is not asked to wait for that of the burst as well, and it depends on the last bit whether the first
    // one has just become free.
    private static long LeastWaitNs(LeakyBucket bucket, long elapsedNs)
    {
        LeakyBucket earlier = bucket;
        earlier.Leak(elapsedNs - SlackNs);
        bucket.Leak(elapsedNs);
        return Math.Min(earlier.WaitNs(), bucket.WaitNs());
    }

    private static ThrottleWorld Run(((int Rate, int Extra, int LengthSeconds, bool IsPaced) Limits, (int Member, int Bytes, int AtMs)[] Requests) load, bool isSpread)
    {
        ThrottleLimits limits = load.Limits.Extra == 0
            ? new ThrottleLimits(load.Limits.Rate)
            : new ThrottleLimits(load.Limits.Rate, load.Limits.Rate + load.Limits.Extra, load.Limits.LengthSeconds);
        ThrottleWorld world = new(new ThrottleConfig { BpsTotal = limits, IsPaced = load.Limits.IsPaced }, 4, isSpread);
        foreach ((int member, int bytes, int atMs) in load.Requests)
        {
            world.Submit(world.Members[member], atMs * Ms, bytes: bytes);
        }

        world.Run();
        Assert.That(world.AdmittedAtNs, Is.All.GreaterThanOrEqualTo(0), "everybody starts");
        return world;
    }

    private static LeakyBucket NewBucket(ThrottleWorld world) => new(world.Group.Config.BpsTotal, world.Group.Config.BurstWindowMs, world.Group.Config.IsPaced);
}
