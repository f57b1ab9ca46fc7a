using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using CsCheck;

namespace BlockGraph.BlockCore.Tests.Options;

/// <summary>Pins the grammar of numbers and booleans, as qemu-img 7.2.22 shows it (<c>create -f qcow2 -o refcount_bits=…</c>).</summary>
[TestFixture]
public sealed class NumberTextTests
{
    [TestCase("0", 0L)]
    [TestCase("-0", 0L)]
    [TestCase("5", 5L)]
    [TestCase("+5", 5L)]
    [TestCase(" \t5", 5L)]
    [TestCase("\v\f\r\n5", 5L)]
    [TestCase("017", 15L)]
    [TestCase(" 020", 16L)]
    [TestCase("0x10", 16L)]
    [TestCase("0X1F", 31L)]
    [TestCase("-1", -1L)]
    [TestCase("-0x10", -16L)]
    [TestCase("9223372036854775807", long.MaxValue)]
    [TestCase("-9223372036854775808", long.MinValue)]
    [TestCase("0777777777777777777777", long.MaxValue)]
    [TestCase("0x00000000000000000000000000000001", 1L)]
    public void Number_is_read_by_the_rules_of_C(string text, long expected) => Assert.That(NumberText.Parse("p", text), Is.EqualTo(expected));

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("-")]
    [TestCase("- 1")]
    [TestCase("++1")]
    [TestCase("abc")]
    [TestCase("1k")]
    [TestCase("020 ")]
    [TestCase("08")]
    [TestCase("0x")]
    [TestCase("0xg")]
    [TestCase("0x1x")]
    [TestCase("1_0")]
    [TestCase("0b11")]
    [TestCase("0o7")]
    [TestCase("1.5")]
    [TestCase("٣")]
    [TestCase("99999999999999999999x")]
    public void What_is_no_number_is_refused(string text)
    {
        Assert.That(() => NumberText.Parse("p", text), Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'p' expects a number"));
        Assert.That(() => NumberText.ParseUnsigned("p", text), Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'p' expects a number"));
    }

    [TestCase("9223372036854775808")]
    [TestCase("18446744073709551615")]
    [TestCase("-9223372036854775809")]
    [TestCase("99999999999999999999")]
    [TestCase("99999999999999999999999999999999999999")]
    public void Number_beyond_the_signed_range_is_too_large(string text) =>
        Assert.That(() => NumberText.Parse("p", text), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Value '{text}' is too large for parameter 'p'"));

    [TestCase("-1", ulong.MaxValue)]
    [TestCase("-18446744073709551615", 1UL)]
    [TestCase("18446744073709551615", ulong.MaxValue)]
    [TestCase("0xffffffffffffffff", ulong.MaxValue)]
    public void Unsigned_number_wraps_as_in_C(string text, ulong expected) => Assert.That(NumberText.ParseUnsigned("p", text), Is.EqualTo(expected));

    [TestCase("18446744073709551616")]
    [TestCase("-18446744073709551616")]
    [TestCase("-99999999999999999999")]
    [TestCase("02000000000000000000000")]
    public void Unsigned_number_beyond_64_bits_is_too_large(string text) =>
        Assert.That(() => NumberText.ParseUnsigned("p", text), Throws.TypeOf<BlockException>().With.Message.EqualTo($"Value '{text}' is too large for parameter 'p'"));

    [Test]
    public void Number_printed_in_any_base_reads_back() => Gen.Long.Sample(number =>
    {
        string sign = number < 0 ? "-" : "";
        UInt128 magnitude = (UInt128)Int128.Abs(number);
        string hex = sign + "0x" + magnitude.ToString("x", CultureInfo.InvariantCulture);
        return NumberText.Parse("p", number.ToString(CultureInfo.InvariantCulture)) == number && NumberText.Parse("p", hex) == number;
    });

    [Test]
    public void Random_text_never_throws_anything_else() => Gen.String[Gen.OneOf(Gen.Char["0123456789abcdefxX+- "], Gen.Char), 0, 30].Sample(text =>
    {
        try
        {
            NumberText.Parse("p", text);
        }
        catch (BlockException)
        {
            // The only failure there may be.
        }
    });

    [TestCase("on", true)]
    [TestCase("yes", true)]
    [TestCase("true", true)]
    [TestCase("y", true)]
    [TestCase("off", false)]
    [TestCase("no", false)]
    [TestCase("false", false)]
    [TestCase("n", false)]
    public void Boolean_is_read(string text, bool expected) => Assert.That(BooleanText.Parse("p", text), Is.EqualTo(expected));

    [TestCase("ON")]
    [TestCase("True")]
    [TestCase("1")]
    [TestCase("")]
    [TestCase("maybe")]
    public void What_is_no_boolean_is_refused(string text) =>
        Assert.That(() => BooleanText.Parse("p", text), Throws.TypeOf<BlockException>().With.Message.EqualTo("Parameter 'p' expects 'on' or 'off'"));

    [TestCase(1.0, "1")]
    [TestCase(-0.0, "-0")]
    [TestCase(1000.0, "1000")]
    [TestCase(0.1, "0.10000000000000001")]
    [TestCase(1.5, "1.5")]
    [TestCase(-123456.789, "-123456.789")]
    [TestCase(1e16, "10000000000000000")]
    [TestCase(1e17, "1e+17")]
    [TestCase(1.5e300, "1.5000000000000001e+300")]
    [TestCase(0.0001, "0.0001")]
    [TestCase(0.00001, "1.0000000000000001e-05")]
    [TestCase(double.PositiveInfinity, "inf")]
    [TestCase(double.NegativeInfinity, "-inf")]
    [TestCase(double.NaN, "nan")]
    public void Real_number_prints_as_in_C(double value, string expected)
    {
        // The expectations are printf's with %.17g.
        Assert.That(RealText.Format(value), Is.EqualTo(expected));
        Assert.That(new OptionReal(value).AsText, Is.EqualTo(expected));
    }

    [Test]
    public void Finite_real_number_reads_back() => Gen.Double.Sample(value =>
        !double.IsFinite(value) || double.Parse(RealText.Format(value), CultureInfo.InvariantCulture).Equals(value));
}
