using System.Globalization;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Tools.Throttle.Simulation;

namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>A trace: the requests that a guest has made, and when.</summary>
/// <remarks>
/// The first line that is neither blank nor a comment names the columns. Lines may end as on Windows, fields may be quoted, and what begins
/// with <c>#</c> is a comment. The first request is at the beginning of time, whatever its instant.
/// </remarks>
internal sealed class TraceFile
{
    private readonly List<SimulatedRequest> _requests = [];
    private readonly OrderedDictionary<string, int> _members = new(StringComparer.Ordinal);
    private readonly List<string> _errors = [];

    private TraceFile(string name) => Name = name;

    /// <summary>What the trace is called.</summary>
    public string Name { get; }

    /// <summary>The requests, in the file's order; the earliest is at 0.</summary>
    public SimulatedRequest[] Requests { get; private set; } = [];

    /// <summary>What the members are called, in the order in which they come up; none where the trace does not tell them apart.</summary>
    public IReadOnlyList<string> Members => [.. _members.Keys];

    /// <summary>What is wrong with the file, a line each: file, line, field.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Reads all of <paramref name="reader"/>. See <see cref="Errors"/> for whether that went well.</summary>
    public static TraceFile Read(TextReader reader, string name)
    {
        TraceFile file = new(name);
        file.ReadLines(reader);
        long firstNs = file._requests.Count == 0 ? 0 : file._requests.Min(request => request.SubmitNs);
        file.Requests = [.. file._requests.Select(request => request with { SubmitNs = request.SubmitNs - firstNs })];
        return file;
    }

    private void ReadLines(TextReader reader)
    {
        TraceColumns? columns = null;
        char separator = ',';
        List<string> fields = [];
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (string.IsNullOrWhiteSpace(line) || line.TrimStart().StartsWith('#'))
            {
                continue;
            }

            separator = columns is null ? CsvLine.SeparatorOf(line) : separator;
            if (!CsvLine.TrySplit(line, separator, fields))
            {
                AddError(number, "a quote is not closed");
            }
            else if (columns is not null)
            {
                ReadRequest(columns, fields, number);
            }
            else if (!TryReadHeader(fields, number, out columns))
            {
                return;
            }
        }

        if (columns is null)
        {
            AddError(Math.Max(number, 1), "there is no header");
        }
        else if (_requests.Count == 0 && _errors.Count == 0)
        {
            AddError(number, "there are no requests");
        }
    }

    private bool TryReadHeader(List<string> fields, int number, out TraceColumns? columns)
    {
        try
        {
            columns = TraceColumns.Of(fields);
            return true;
        }
        catch (BlockException failure)
        {
            AddError(number, failure.Message);
            columns = null;
            return false;
        }
    }

    private void ReadRequest(TraceColumns columns, List<string> fields, int number)
    {
        int errorCount = _errors.Count;
        long atNs = ReadTime(Field(fields, columns.Time), columns.TimeScaleNs, number);
        string kindText = Field(fields, columns.Kind);
        if (!TraceColumns.TryFindKind(kindText, out RequestKind kind))
        {
            AddError(number, $"kind: '{kindText}' is none of {SimulatedKinds.Names}");
        }

        long lengthBytes = ReadSize(Field(fields, columns.Size), kind, number);
        if (_errors.Count == errorCount)
        {
            int member = columns.Member is { } column ? ReadMember(Field(fields, column), number) : 0;
            _requests.Add(new SimulatedRequest(atNs, member, kind, lengthBytes));
        }
    }

    private static string Field(List<string> fields, int column) => column < fields.Count ? fields[column] : string.Empty;

    private long ReadTime(string text, decimal scaleNs, int number)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value) || value < 0)
        {
            AddError(number, text.Length == 0 ? "time: is missing" : $"time: '{text}' is not a number from 0 on");
            return 0;
        }

        if (value > long.MaxValue / scaleNs)
        {
            AddError(number, $"time: '{text}' is too late");
            return 0;
        }

        return (long)decimal.Round(value * scaleNs);
    }

    // Whoever asks for a kind without data may have no size.
    private long ReadSize(string text, RequestKind kind, int number)
    {
        if (text.Length == 0 && kind == RequestKind.Flush)
        {
            return 0;
        }

        if (SizeText.TryParse(text, out ulong bytes) != NumberTextStatus.Ok || bytes > long.MaxValue)
        {
            AddError(number, text.Length == 0 ? "size: is missing" : $"size: '{text}' is not a number of bytes");
            return 0;
        }

        if (SimulatedKinds.FindLengthError(kind, (long)bytes) is { } error)
        {
            AddError(number, $"size: {error}");
        }

        return (long)bytes;
    }

    private int ReadMember(string name, int number)
    {
        if (_members.TryGetValue(name, out int member))
        {
            return member;
        }

        if (_members.Count == ThrottleVector.MemberCountMax)
        {
            AddError(number, $"member: '{name}' is one more than {ThrottleVector.MemberCountMax}");
            return 0;
        }

        _members.Add(name, _members.Count);
        return _members.Count - 1;
    }

    private void AddError(int number, string text) => _errors.Add($"{Name}:{number}: {text}");
}
