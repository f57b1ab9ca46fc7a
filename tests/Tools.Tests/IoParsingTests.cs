using BlockGraph.Tools.Io;

namespace BlockGraph.Tools.Tests;

/// <summary>Wrong io commands: what is told, on which stream, and that the commands after them still run.</summary>
[TestFixture]
public class IoParsingTests
{
    private const string ReadUsage = "read [-bCpqv] [-P pattern [-s off] [-l len]] off len -- read a range";

    [TestCase("frob", "command \"frob\" not found")]
    [TestCase("read", "bad argument count 0 to read, expected at least 2 arguments")]
    [TestCase("r 0", "bad argument count 1 to r, expected at least 2 arguments")]
    [TestCase("length 5", "bad argument count 1 to length, expected 0 arguments")]
    [TestCase("sleep", "bad argument count 0 to sleep, expected 1 arguments")]
    [TestCase("sleep 1 2", "bad argument count 2 to sleep, expected 1 arguments")]
    [TestCase("help a b", "bad argument count 2 to help, expected between 0 and 1 arguments")]
    [TestCase("open", "bad argument count 0 to open, expected at least 1 arguments")]
    public void A_line_that_no_command_takes_is_told_on_standard_error(string command, string error)
    {
        ToolRun run = ToolRun.Io("driver=null-co", command, "length");
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.Out, Is.EqualTo("1 GiB\n"), "the next command runs");
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [TestCase("read -Z 0 512", "read: invalid option -- 'Z'", ReadUsage)]
    [TestCase("read 0 -P", "read: option requires an argument -- 'P'", ReadUsage)]
    [TestCase("read 0 -1", "read: invalid option -- '1'", ReadUsage)]
    [TestCase("discard 0 -1", "discard: invalid option -- '1'", "discard [-Cq] off len -- let go of a range")]
    public void A_wrong_switch_is_told_with_the_line_of_usage(string command, string error, string usage)
    {
        ToolRun run = ToolRun.Io("driver=null-co", command);
        Assert.That(run.Error, Is.EqualTo(error + "\n"));
        Assert.That(run.Out, Is.EqualTo(usage + "\n"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [TestCase("read -q 0")]
    [TestCase("read 0 1 2")]
    [TestCase("read -s 5 0 512")]
    [TestCase("read -l 5 0 512")]
    [TestCase("readv -q 0")]
    [TestCase("writev -q 0")]
    [TestCase("aio_read -q 0")]
    [TestCase("aio_write -q 0")]
    [TestCase("discard 0 1 2")]
    public void A_wrong_number_of_operands_is_answered_with_the_line_of_usage(string command)
    {
        ToolRun run = ToolRun.Io("driver=null-co", command);
        string name = command.Split(' ')[0];
        Assert.That(run.Out, Is.EqualTo(IoCommandTable.Find(name)!.UsageLine(IoSettings.Own) + "\n"));
        Assert.That(run.Error, Is.Empty);
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [TestCase("read x 5", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("read 0 5x", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 5x")]
    [TestCase("read -- -1 512", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- -1")]
    [TestCase("aio_read x 1", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("aio_write -z 0 x", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("writev 0 5 x", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("discard x 1", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("read 9E 1", "Parsing error: argument too large -- 9E")]
    [TestCase("read 0 2147483137", "length cannot exceed 2147483136, given 2147483137")]
    [TestCase("discard 0 3G", "length cannot exceed 2147483136, given 3G")]
    [TestCase("write 0 3G", "length cannot exceed 2147483136 without -n, given 3G")]
    [TestCase("write -z 0 4G", "length cannot exceed 2147483136 without -n, given 4G")]
    [TestCase("readv 0 2147483136 2147483136", "The total number of bytes exceed the maximum size 2147483136")]
    [TestCase("read -P 256 0 512", "256 is not a valid pattern byte")]
    [TestCase("read -P -1 0 512", "-1 is not a valid pattern byte")]
    [TestCase("write -P zz 0 512", "zz is not a valid pattern byte")]
    [TestCase("writev -P 300 0 1", "300 is not a valid pattern byte")]
    [TestCase("read -s x -P 0 0 1", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- x")]
    [TestCase("read -s 8k -P 0 0 4k", "pattern verification range exceeds end of read data")]
    [TestCase("read -s 1 -l 4k -P 0 0 4k", "pattern verification range exceeds end of read data")]
    [TestCase("write -u 0 512", "-u requires -z to be specified")]
    [TestCase("write -n 0 512", "-n requires -z to be specified")]
    [TestCase("write -z -P 1 0 512", "Only one of -z, -P, and -s can be specified at the same time")]
    [TestCase("write -P 1 -s x 0 512", "Only one of -z, -P, and -s can be specified at the same time")]
    [TestCase("write -c 0 1", "1 is not a sector-aligned value for 'count'")]
    [TestCase("write -c 1 512", "1 is not a sector-aligned value for 'offset'")]
    [TestCase("aio_write -u 0 512", "-u requires -z to be specified")]
    [TestCase("aio_write -z 0 512 512", "-z supports only a single length parameter")]
    [TestCase("aio_write -z -P 3 0 512", "-z and -P cannot be specified at the same time")]
    [TestCase("sleep x", "x is not a valid number")]
    [TestCase("sleep -5", "-5 is not a valid number")]
    [TestCase("help frob", "command frob not found")]
    public void A_wrong_value_is_told_among_the_results(string command, string error)
    {
        ToolRun run = ToolRun.Io("driver=null-co", command);
        Assert.That(run.Out, Is.EqualTo(error + "\n"));
        Assert.That(run.Error, Is.Empty);
        Assert.That(run.ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void Help_lists_every_command_and_explains_one()
    {
        ToolRun all = ToolRun.Own("io", "-c", "help");
        foreach (IoCommand command in IoCommandTable.All)
        {
            Assert.That(all.Out, Does.Contain(command.UsageLine(IoSettings.Own)));
            ToolRun one = ToolRun.Own("io", "-c", $"help {command.Name}");
            Assert.That(one.OutLines[0], Is.EqualTo(command.UsageLine(IoSettings.Own)));
            Assert.That(one.OutLines, Has.Length.EqualTo(1 + command.Switches.Count + (command.Example is null ? 0 : 1)));
            Assert.That(one.ExitCode, Is.Zero);
        }
    }

    [Test]
    public void The_line_of_usage_names_every_switch()
    {
        foreach (IoCommand command in IoCommandTable.All)
        {
            foreach (IoSwitch known in command.Switches)
            {
                Assert.That(command.Usage, Does.Match($@"\[[^\]]*-[A-Za-z]*{known.Letter}"), $"{command.Name} -{known.Letter}");
            }
        }
    }

    [Test]
    public void Empty_lines_are_passed_over() =>
        Assert.That(ToolRun.Io("driver=null-co", "", "  ", "length").Out, Is.EqualTo("1 GiB\n"));

    [TestCase(0, "0 bytes")]
    [TestCase(1, "1 bytes")]
    [TestCase(1023, "1023 bytes")]
    [TestCase(774.577139, "774.577139 bytes")]
    [TestCase(1024, "1 KiB")]
    [TestCase(4608, "4.500 KiB")]
    [TestCase(2147483136, "2 GiB")]
    [TestCase(1099511627776, "1 TiB")]
    [TestCase(double.PositiveInfinity, "inf EiB")]
    public void Amounts_have_the_largest_unit_and_no_fraction_of_zeros(double bytes, string text) =>
        Assert.That(IoNumbers.Amount(bytes), Is.EqualTo(text));

    [TestCase(4_000_000, "00.00 sec (125 KiB/sec and 250.0000 ops/sec)")]
    [TestCase(129_900_000, "00.13 sec (3.849 KiB/sec and 7.6982 ops/sec)")]
    [TestCase(995_000_000, "01.00 sec (514.572864 bytes/sec and 1.0050 ops/sec)")]
    [TestCase(1_999_000_000, "0:00:02.00 (256.128064 bytes/sec and 0.5003 ops/sec)")]
    [TestCase(3_725_500_000_000, "1:02:05.50 (0.137431 bytes/sec and 0.0003 ops/sec)")]
    public void Times_below_a_second_are_short_and_others_have_hours(long elapsedNs, string text)
    {
        using StringWriter output = new() { NewLine = "\n" };
        new IoReport(false, false).Print(output, "read", 0, 512, elapsedNs);
        Assert.That(output.ToString(), Is.EqualTo($"read 512/512 bytes at offset 0\n512 bytes, 1 ops; {text}\n"));
    }
}
