using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>
/// Seeded runs of trees in any order, with late timers, on two to four contexts: limits, shares, drains, moves, cancellations and
/// longest waits change while requests fly, and nobody is left waiting, overtaken or charged twice.
/// </summary>
[TestFixture]
public sealed class ThrottleTreeInterleavingTests
{
    private const long Ms = 1_000_000;

    [Test]
    public void Whatever_happens_to_a_tree_everybody_starts_or_gives_up([Range(0, 399)] int seed)
    {
        using Turmoil turmoil = new(seed);
        turmoil.Play();

        Assert.Multiple(() =>
        {
            Assert.That(turmoil.StartedCount + turmoil.GivenUpCount, Is.EqualTo(Turmoil.RequestCount), $"seed {seed}: all are accounted for");
            Assert.That(turmoil.PendingCounts, Is.All.Zero, $"seed {seed}: nothing is left");
            Assert.That(turmoil.OrderErrorCount, Is.Zero, $"seed {seed}: nobody overtakes in his own queue");
            Assert.That(turmoil.NextWakes, Is.All.Null, $"seed {seed}: no alarm is left");
            Assert.That(turmoil.CountedCount, Is.EqualTo(turmoil.AskedCount), $"seed {seed}: each was counted once");
        });
    }

    /// <summary>Chooses the next piece of work, and how late a timer is, by a seed.</summary>
    private sealed class ShuffledScheduler(Random random) : VirtualTimeScheduler
    {
        protected override int ChooseNext(int count) => random.Next(count);

        protected internal override long ChooseLatenessNs() => random.Next(4) == 0 ? random.Next(20) * Ms : 0;
    }

    private sealed class Turmoil : IDisposable
    {
        public const int RequestCount = 80;

        private readonly Random _random;
        private readonly ShuffledScheduler _scheduler;
        private readonly List<CancellationTokenSource> _cancels = [];
        private readonly List<ThrottleGroup> _groups = [];
        private readonly List<ThrottleGroupMember> _members = [];
        private readonly int[,] _submitted;
        private readonly int[,] _started;

        public Turmoil(int seed)
        {
            _random = new Random(seed);
            _scheduler = new ShuffledScheduler(_random) { StepCountMax = 200_000 };
            _groups.Add(new ThrottleGroup("g0", NextConfig()));
            for (int count = _random.Next(0, 4); count > 0; count--)
            {
                _groups.Add(new ThrottleGroup($"g{_groups.Count}", NextConfig(), _groups[_random.Next(_groups.Count)]));
            }

            AioContext[] contexts = [.. Enumerable.Range(0, _random.Next(2, 5)).Select(index => _scheduler.CreateContext($"io{index}"))];
            for (int count = _random.Next(2, 9); count > 0; count--)
            {
                _members.Add(_groups[_random.Next(_groups.Count)].AddMember(contexts[_random.Next(contexts.Length)]));
            }

            _submitted = new int[_members.Count, 2];
            _started = new int[_members.Count, 2];
        }

        public int StartedCount { get; private set; }

        public int GivenUpCount { get; private set; }

        public int OrderErrorCount { get; private set; }

        /// <summary>Requests that some limit had to say about, as the test saw it.</summary>
        public long AskedCount { get; private set; }

        /// <summary>The same, as the groups counted.</summary>
        public long CountedCount => _groups.Select(group => group.Query(_scheduler.NowNs)).Sum(report => report.Reads.SubmittedCount + report.Writes.SubmittedCount);

        public IEnumerable<int> PendingCounts => _groups.Select(group => group.PendingCount(ThrottleDirection.Read) + group.PendingCount(ThrottleDirection.Write));

        public IEnumerable<long?> NextWakes => _groups.Select(group => group.Query(_scheduler.NowNs).Reads.NextWakeNs ?? group.Query(_scheduler.NowNs).Writes.NextWakeNs);

        public void Dispose()
        {
            _cancels.ForEach(cancel => cancel.Dispose());
            _scheduler.Dispose();
        }

        public void Play()
        {
            for (int request = 0; request < RequestCount; request++)
            {
                int member = _random.Next(_members.Count);
                ThrottleDirection direction = (ThrottleDirection)_random.Next(2);
                bool isCancelled = _random.Next(4) == 0;
                At(_random.Next(300) * Ms, _members[member], () => Submit(member, direction, isCancelled ? _random.Next(200) * Ms : -1));
            }

            for (int change = 0; change < 8; change++)
            {
                PlanChange();
            }

            _scheduler.RunUntilIdle();
        }

        private void PlanChange()
        {
            ThrottleConfig config = NextConfig();
            ThrottleChangePolicy policy = (ThrottleChangePolicy)_random.Next(3);
            ThrottleGroup group = _groups[_random.Next(_groups.Count)];
            At(_random.Next(400) * Ms, Any(), () => group.SetConfig(config, policy));

            ThrottleGroupMember drained = Any();
            long beginNs = _random.Next(400) * Ms;
            At(beginNs, Any(), drained.BeginDrain);
            At(beginNs + (100 * Ms), drained, drained.EndDrain);

            ThrottleGroupMember sharer = Any();
            ThrottleShare share = NextShare();
            At(_random.Next(400) * Ms, Any(), () => sharer.SetShare(share));
            if (group.Parent is not null)
            {
                ThrottleShare shareOfGroup = NextShare();
                At(_random.Next(400) * Ms, Any(), () => group.SetShare(shareOfGroup));
            }

            ThrottleGroupMember hasty = Any();
            int maxWaitMs = _random.Next(3) == 0 ? 0 : 1 + _random.Next(300);
            At(_random.Next(400) * Ms, hasty, () => hasty.MaxWaitMs = maxWaitMs);
        }

        private ThrottleGroupMember Any() => _members[_random.Next(_members.Count)];

        private ThrottleConfig NextConfig()
        {
            ThrottleConfig limits = _random.Next(5) switch
            {
                0 => Limits(("iops-total", 1 + _random.Next(50))),
                1 => Limits(("iops-read", 10), ("iops-write", 1 + _random.Next(20))),
                2 => Limits(("bps-total", 5000), ("bps-total-max", 8000), ("bps-total-max-length", 2)),
                3 => ThrottleConfig.Unlimited,
                _ => Limits(("iops-total", 1_000_000)),
            };
            return limits with { IsFairByCost = _random.Next(4) == 0, IsPaced = _random.Next(6) == 0, BurstWindowMs = _random.Next(4) == 0 ? _random.Next(1000) : 100 };
        }

        private ThrottleShare NextShare() => _random.Next(4) switch
        {
            0 => ThrottleShare.Default,
            1 => new ThrottleShare { Weight = 1 + _random.Next(5) },
            2 => new ThrottleShare { LimitIops = 1 + _random.Next(40) },
            _ => new ThrottleShare { ReservationIops = 1 + _random.Next(10), ReservationBps = 1000 },
        };

        private async void Submit(int member, ThrottleDirection direction, long cancelAfterNs)
        {
            CancellationTokenSource cancel = new();
            _cancels.Add(cancel);
            if (cancelAfterNs >= 0)
            {
                At(_scheduler.NowNs + cancelAfterNs, Any(), cancel.Cancel);
            }

            int number = ++_submitted[member, (int)direction];
            try
            {
                bool passesFree = !_members[member].IsLimited && _members[member].PendingCount(direction) == 0;
                AskedCount += passesFree ? 0 : 1;
                if (!_members[member].TryAdmit(direction, 512))
                {
                    await _members[member].WaitAsync(direction, 512, cancel.Token);
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException || exception is BlockException { Kind: BlockErrorKind.ThrottleTimeout })
            {
                GivenUpCount++;
                return;
            }

            StartedCount++;
            OrderErrorCount += number > _started[member, (int)direction] ? 0 : 1;
            _started[member, (int)direction] = number;
        }
    }
}
