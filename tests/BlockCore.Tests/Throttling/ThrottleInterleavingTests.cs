using BlockGraph.BlockCore.Scheduling;
using BlockGraph.BlockCore.Throttling;
using static BlockGraph.BlockCore.Tests.Throttling.ThrottleWorld;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>Seeded runs in any order, with late timers: whatever happens to a group, nobody is left waiting.</summary>
[TestFixture]
public sealed class ThrottleInterleavingTests
{
    private const long Ms = 1_000_000;

    [Test]
    public void Whatever_happens_in_whatever_order_everybody_starts_or_is_cancelled([Range(0, 299)] int seed)
    {
        using Turmoil turmoil = new(seed);
        turmoil.Play();

        Assert.Multiple(() =>
        {
            Assert.That(turmoil.StartedCount + turmoil.CancelledCount, Is.EqualTo(Turmoil.RequestCount), $"seed {seed}: all are accounted for");
            Assert.That(turmoil.PendingCount, Is.Zero, $"seed {seed}: nothing is left");
            Assert.That(turmoil.OrderErrorCount, Is.Zero, $"seed {seed}: nobody overtakes in his own queue");
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
        public const int RequestCount = 60;

        private readonly Random _random;
        private readonly ShuffledScheduler _scheduler;
        private readonly List<CancellationTokenSource> _cancels = [];
        private readonly ThrottleGroup _group;
        private readonly ThrottleGroupMember[] _members;
        private readonly int[,] _submitted = new int[3, 2];
        private readonly int[,] _started = new int[3, 2];

        public Turmoil(int seed)
        {
            _random = new Random(seed);
            _scheduler = new ShuffledScheduler(_random) { StepCountMax = 100_000 };
            _group = new ThrottleGroup("g", NextConfig());
            _members = [.. Enumerable.Range(0, 3).Select(index => _group.AddMember(_scheduler.CreateContext($"io{index}")))];
        }

        public int StartedCount { get; private set; }

        public int CancelledCount { get; private set; }

        public int OrderErrorCount { get; private set; }

        public int PendingCount => _group.PendingCount(ThrottleDirection.Read) + _group.PendingCount(ThrottleDirection.Write);

        public void Dispose()
        {
            _cancels.ForEach(cancel => cancel.Dispose());
            _scheduler.Dispose();
        }

        public void Play()
        {
            for (int request = 0; request < RequestCount; request++)
            {
                int member = _random.Next(_members.Length);
                ThrottleDirection direction = (ThrottleDirection)_random.Next(2);
                bool isCancelled = _random.Next(4) == 0;
                At(_random.Next(300) * Ms, _members[member], () => Submit(member, direction, isCancelled ? _random.Next(200) * Ms : -1));
            }

            for (int change = 0; change < 6; change++)
            {
                ThrottleConfig config = NextConfig();
                ThrottleChangePolicy policy = (ThrottleChangePolicy)_random.Next(3);
                At(_random.Next(400) * Ms, _members[_random.Next(3)], () => _group.SetConfig(config, policy));
                ThrottleGroupMember drained = _members[_random.Next(3)];
                long beginNs = _random.Next(400) * Ms;
                At(beginNs, _members[_random.Next(3)], drained.BeginDrain);
                At(beginNs + (100 * Ms), drained, drained.EndDrain);
            }

            _scheduler.RunUntilIdle();
        }

        private ThrottleConfig NextConfig() => _random.Next(4) switch
        {
            0 => Limits(("iops-total", 1 + _random.Next(50))),
            1 => Limits(("iops-read", 10), ("iops-write", 1 + _random.Next(20))),
            2 => Limits(("bps-total", 5000), ("bps-total-max", 8000), ("bps-total-max-length", 2)),
            _ => _random.Next(2) == 0 ? ThrottleConfig.Unlimited : Limits(("iops-total", 1_000_000)),
        };

        private async void Submit(int member, ThrottleDirection direction, long cancelAfterNs)
        {
            CancellationTokenSource cancel = new();
            _cancels.Add(cancel);
            if (cancelAfterNs >= 0)
            {
                At(_scheduler.NowNs + cancelAfterNs, _members[_random.Next(3)], cancel.Cancel);
            }

            int number = ++_submitted[member, (int)direction];
            try
            {
                if (!_members[member].TryAdmit(direction, 512))
                {
                    await _members[member].WaitAsync(direction, 512, cancel.Token);
                }
            }
            catch (OperationCanceledException)
            {
                CancelledCount++;
                return;
            }

            StartedCount++;
            OrderErrorCount += number > _started[member, (int)direction] ? 0 : 1;
            _started[member, (int)direction] = number;
        }
    }
}
