using BlockGraph.Drivers.Formats.Qcow2;

namespace BlockGraph.Drivers.Tests.Qcow2;

/// <summary>Counts of every width: what looks at many of them at once sees what one look at each sees.</summary>
[TestFixture]
public sealed class RefcountBitsTests
{
    private const int BlockBytes = 64;

    [Test]
    public void The_next_that_is_used_is_that_of_a_look_at_each([Range(0, 6)] int order, [Values(0, 1, 8, 40)] int usedCount)
    {
        byte[] block = Block(order, usedCount, seed: (order * 100) + usedCount);
        int count = CountOf(order);
        for (int index = 0; index <= count; index++)
        {
            for (int end = index; end <= count; end += Math.Max(1, count / 7))
            {
                int wanted = Enumerable.Range(index, end - index).FirstOrDefault(i => RefcountBits.Get(block, i, order) != 0, end);
                Assert.That(RefcountBits.IndexOfUsed(block, index, end, order), Is.EqualTo(wanted), $"from {index} to {end}");
                Assert.That(RefcountBits.FreeRun(block, index, end - index, order), Is.EqualTo(wanted - index), $"free from {index} to {end}");
            }
        }
    }

    [Test]
    public void Ones_are_set_where_they_are_asked_for_and_nowhere_else([Range(0, 6)] int order)
    {
        int count = CountOf(order);
        for (int index = 0; index < count; index += Math.Max(1, count / 9))
        {
            for (int run = 0; run <= count - index; run += Math.Max(1, count / 5))
            {
                byte[] block = Block(order, usedCount: 20, seed: order);
                ulong[] wanted = [.. Enumerable.Range(0, count).Select(i => i >= index && i < index + run ? 1UL : RefcountBits.Get(block, i, order))];
                RefcountBits.SetOnes(block, index, run, order);
                Assert.That(Enumerable.Range(0, count).Select(i => RefcountBits.Get(block, i, order)), Is.EqualTo(wanted), $"{run} from {index} on");
            }
        }
    }

    [Test]
    public void Zeros_are_set_where_they_are_asked_for_and_nowhere_else([Range(0, 6)] int order)
    {
        int count = CountOf(order);
        for (int index = 0; index < count; index += Math.Max(1, count / 9))
        {
            for (int run = 0; run <= count - index; run += Math.Max(1, count / 5))
            {
                byte[] block = Block(order, usedCount: 200, seed: order);
                ulong[] wanted = [.. Enumerable.Range(0, count).Select(i => i >= index && i < index + run ? 0UL : RefcountBits.Get(block, i, order))];
                RefcountBits.SetZeros(block, index, run, order);
                Assert.That(Enumerable.Range(0, count).Select(i => RefcountBits.Get(block, i, order)), Is.EqualTo(wanted), $"{run} from {index} on");
            }
        }
    }

    [Test]
    public void The_last_that_is_used_is_that_of_a_look_at_each([Range(0, 6)] int order, [Values(0, 1, 8, 40)] int usedCount)
    {
        byte[] block = Block(order, usedCount, seed: (order * 100) + usedCount);
        for (int end = 0; end <= CountOf(order); end++)
        {
            int wanted = Enumerable.Range(0, end).LastOrDefault(i => RefcountBits.Get(block, i, order) != 0, -1);
            Assert.That(RefcountBits.LastIndexOfUsed(block, end, order), Is.EqualTo(wanted), $"before {end}");
        }
    }

    [Test]
    public void A_run_of_ones_ends_where_a_look_at_each_ends([Range(0, 6)] int order)
    {
        int count = CountOf(order);
        byte[] block = Block(order, usedCount: 2, seed: order);
        RefcountBits.SetOnes(block, count / 4, count / 2, order);
        for (int index = 0; index <= count; index++)
        {
            for (int end = index; end <= count; end += Math.Max(1, count / 7))
            {
                int wanted = Enumerable.Range(index, end - index).TakeWhile(i => RefcountBits.Get(block, i, order) == 1).Count();
                Assert.That(RefcountBits.OnesRun(block, index, end - index, order), Is.EqualTo(wanted), $"from {index} to {end}");
            }
        }
    }

    private static int CountOf(int order) => (BlockBytes * 8) >> order;

    private static byte[] Block(int order, int usedCount, int seed)
    {
        Random random = new(seed);
        byte[] block = new byte[BlockBytes];
        for (int i = 0; i < usedCount; i++)
        {
            ulong max = order == 6 ? ulong.MaxValue : (1UL << (1 << order)) - 1;
            RefcountBits.Set(block, random.Next(CountOf(order)), order, Math.Max(1, (ulong)random.NextInt64() & max));
        }

        return block;
    }
}
