using System.Text;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Tests;

/// <summary>Output in batches: the same text, in few pieces.</summary>
[TestFixture]
public sealed class BatchedOutputTests
{
    [Test]
    public void Everything_comes_out_in_order_in_pieces_that_are_large()
    {
        CountingWriter inner = new();
        StringBuilder expected = new();
        using (BatchedOutput output = new(inner))
        {
            for (int i = 0; i < 5000; i++)
            {
                output.Write('[');
                output.Write(i);
                output.Write("] ".AsSpan());
                output.WriteLine("line");
                output.Write(new StringBuilder("!"));
                output.Write("ab".ToCharArray(), 1, 1);
                expected.Append('[').Append(i).Append("] line").Append(Environment.NewLine).Append("!b");
            }

            Assert.That(inner.PieceCount, Is.InRange(1, expected.Length / 10_000), "pieces so far");
        }

        Assert.That(inner.Text.ToString(), Is.EqualTo(expected.ToString()));
    }

    [Test]
    public void What_is_flushed_or_disposed_is_out()
    {
        CountingWriter inner = new();
        BatchedOutput output = new(inner);
        output.Write("one");
        Assert.That(inner.Text.Length, Is.Zero, "held back");
        output.Flush();
        Assert.That(inner.Text.ToString(), Is.EqualTo("one"), "flushed");
        output.Write("two");
        output.Dispose();
        Assert.That(inner.Text.ToString(), Is.EqualTo("onetwo"), "disposed");
    }

    private sealed class CountingWriter : TextWriter
    {
        public StringBuilder Text { get; } = new();

        public int PieceCount { get; private set; }

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value) => Text.Append(value);

        public override void Write(StringBuilder? value)
        {
            PieceCount++;
            Text.Append(value);
        }
    }
}
