using System.Text.Json;
using BlockGraph.BlockCore.Throttling;

namespace BlockGraph.BlockCore.Tests.Throttling;

/// <summary>The vectors by the buckets' arithmetic alone: no group, no context, no clock. What the group does about turns is written down here a second time, in few lines.</summary>
[TestFixture]
public sealed class ThrottleArithmeticVectorTests
{
    [TestCaseSource(typeof(ThrottleVectorTests), nameof(ThrottleVectorTests.Vectors))]
    public void The_arithmetic_alone_gives_the_instants_of_the_vector(JsonElement vector)
    {
        ThrottleLimitsUpdate update = new();
        foreach (JsonProperty limit in vector.GetProperty("limits").EnumerateObject())
        {
            update[limit.Name] = limit.Value.GetInt64();
        }

        Turns turns = new(ThrottleConfig.Unlimited.Merge(update), vector.GetProperty("members").GetInt32());
        JsonElement[] requests = [.. vector.GetProperty("requests").EnumerateArray()];
        foreach ((int index, JsonElement request) in requests.Index().OrderBy(item => item.Item.GetProperty("t_ns").GetInt64()))
        {
            turns.RunUntil(request.GetProperty("t_ns").GetInt64());
            ThrottleDirection direction = request.GetProperty("kind").GetString() == "read" ? ThrottleDirection.Read : ThrottleDirection.Write;
            turns.Submit(index, request.GetProperty("member").GetInt32(), direction, request.GetProperty("bytes").GetInt64());
        }

        turns.RunUntil(long.MaxValue);
        long[] expected = [.. vector.GetProperty("admitted_at_ns").EnumerateArray().Select(value => value.GetInt64())];
        Assert.That(requests.Select((_, index) => turns.AdmittedAtNs[index]), Is.EqualTo(expected), "the instants");
    }

    /// <summary>Whose turn it is: the waiting member behind the one that had the last turn, youngest member first.</summary>
    private sealed class Turns(ThrottleConfig config, int memberCount)
    {
        private readonly ThrottleState _state = new(config);
        private readonly Queue<(int Index, long Bytes)>[,] _queues = MakeQueues(memberCount);
        private readonly int[] _tokens = [0, 0];
        private readonly (long AtNs, int Member)?[] _alarms = new (long, int)?[2];
        private long _nowNs;

        public Dictionary<int, long> AdmittedAtNs { get; } = [];

        public void Submit(int index, int member, ThrottleDirection direction, long bytes)
        {
            int candidate = Pick(direction) ?? member;
            if (MustWait(candidate, direction) || _queues[member, (int)direction].Count > 0)
            {
                _queues[member, (int)direction].Enqueue((index, bytes));
                return;
            }

            Admit(index, direction, bytes);
            GoOn(member, direction);
        }

        /// <summary>Wakes whoever is due before <paramref name="untilNs"/>; what arrives at that instant comes first.</summary>
        public void RunUntil(long untilNs)
        {
            while (true)
            {
                int direction = (_alarms[0]?.AtNs ?? long.MaxValue) <= (_alarms[1]?.AtNs ?? long.MaxValue) ? 0 : 1;
                if (_alarms[direction] is not { } alarm || alarm.AtNs >= untilNs)
                {
                    _nowNs = untilNs == long.MaxValue ? _nowNs : untilNs;
                    return;
                }

                _nowNs = alarm.AtNs;
                _alarms[direction] = null;
                Start(alarm.Member, (ThrottleDirection)direction);
            }
        }

        private void Start(int member, ThrottleDirection direction)
        {
            (int index, long bytes) = _queues[member, (int)direction].Dequeue();
            Admit(index, direction, bytes);
            GoOn(member, direction);
        }

        private void GoOn(int member, ThrottleDirection direction)
        {
            if (Pick(direction) is not { } next || MustWait(next, direction))
            {
                return;
            }

            bool isOwn = _queues[member, (int)direction].Count > 0;
            _tokens[(int)direction] = isOwn ? member : next;
            Start(_tokens[(int)direction], direction);
        }

        private bool MustWait(int candidate, ThrottleDirection direction)
        {
            if (_alarms[(int)direction] is not null)
            {
                return true;
            }

            _state.Leak(_nowNs);
            long waitNs = _state.WaitNs(direction);
            if (waitNs > 0)
            {
                _alarms[(int)direction] = (_nowNs + waitNs, candidate);
                _tokens[(int)direction] = candidate;
            }

            return waitNs > 0;
        }

        private void Admit(int index, ThrottleDirection direction, long bytes)
        {
            _state.Leak(_nowNs);
            _state.Charge(direction, bytes);
            AdmittedAtNs[index] = _nowNs;
        }

        // The youngest stands first in the ring, so that the one behind a member is the one that came before it.
        private int? Pick(ThrottleDirection direction)
        {
            for (int step = 1; step <= memberCount; step++)
            {
                int member = (_tokens[(int)direction] - step + (2 * memberCount)) % memberCount;
                if (_queues[member, (int)direction].Count > 0)
                {
                    return member;
                }
            }

            return null;
        }

        private static Queue<(int, long)>[,] MakeQueues(int memberCount)
        {
            Queue<(int, long)>[,] queues = new Queue<(int, long)>[memberCount, 2];
            for (int member = 0; member < memberCount; member++)
            {
                queues[member, 0] = new();
                queues[member, 1] = new();
            }

            return queues;
        }
    }
}
