using System.Text;
using System.Text.RegularExpressions;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Filters.Blkdebug;

/// <summary>
/// The file of a blkdebug node: sections <c>[inject-error]</c> and <c>[set-state]</c>, perhaps with a quoted name, of lines
/// <c>key = "value"</c>; lines that begin with <c>#</c>, and empty ones, say nothing. <i>QEMU: qemu_config_parse().</i>
/// </summary>
internal static partial class BlkdebugConfigFile
{
    /// <summary>The longest file that is read, in bytes.</summary>
    public const int LengthBytesMax = 1 << 20;

    /// <summary>Reads the file called <paramref name="path"/>.</summary>
    /// <exception cref="BlockException">The system refuses.</exception>
    public static async Task<string> ReadAsync(OpenContext context, string path)
    {
        HostPlatform platform = context.Graph.Platform;
        try
        {
            return Encoding.UTF8.GetString(await context.Context.RunOnWorkers(() => ReadAll(platform, path)));
        }
        catch (BlockException error) when (error.Kind != BlockErrorKind.TooLarge)
        {
            string words = error.Kind == BlockErrorKind.InvalidArgument ? "Not a regular file" : error.Kind.ToErrnoText();
            throw new BlockException(error.Kind, $"Could not read blkdebug config file: {words}", error) { Hint = error.Message };
        }
    }

    /// <summary>Adds the rules in <paramref name="text"/> to the lists.</summary>
    /// <exception cref="BlockException">It is malformed; the hint says where.</exception>
    public static void Parse(string text, string path, List<InjectErrorRule> injectErrors, List<SetStateRule> setStates)
    {
        Section? section = null;
        HashSet<string> names = [];
        int number = 0;
        foreach (string line in text.Split('\n').Select(l => l.Trim()))
        {
            number++;
            string where = $"line {number} of blkdebug config file '{path}'";
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (Header().Match(line) is { Success: true } header)
            {
                section?.AddTo(injectErrors, setStates);
                section = Section.Begin(header.Groups["group"].Value, where);
                if (header.Groups["name"] is { Success: true } name && !names.Add($"{section.Group} {name.Value}"))
                {
                    throw Malformed($"Duplicate ID '{name.Value}' for {section.Group}", where);
                }
            }
            else
            {
                (section ?? throw Malformed("no group defined", where)).Set(line, where);
            }
        }

        section?.AddTo(injectErrors, setStates);
    }

    [GeneratedRegex("""^\[(?<group>[^\s"\]]+)(?:\s+"(?<name>[^"]*)")?\s*\]""", RegexOptions.ExplicitCapture)]
    private static partial Regex Header();

    // Without a value in quotes the value is empty, which no option takes.
    [GeneratedRegex("""^(?<key>\S+?)\s*=\s*"(?<value>[^"]*)"|^(?<bare>\S+)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Assignment();

    private static byte[] ReadAll(HostPlatform platform, string path)
    {
        using HostFile file = platform.OpenFile(new HostFileOptions(path));
        long lengthBytes = file.GetLengthBytes();
        if (lengthBytes > LengthBytesMax)
        {
            throw new BlockException(BlockErrorKind.TooLarge, $"blkdebug config file '{path}' has {lengthBytes} bytes: the largest has {LengthBytesMax}");
        }

        byte[] bytes = new byte[(int)lengthBytes];
        file.Read(0, bytes);
        return bytes;
    }

    private static BlockException Malformed(string message, string where) => new(message) { Hint = where };

    /// <summary>One section while it is being read.</summary>
    private sealed class Section(string group, OptionSchema schema, string where)
    {
        private readonly OptionsDictionary _options = [];

        public string Group => group;

        public static Section Begin(string group, string where) => group switch
        {
            BlkdebugOptions.InjectErrorKey => new Section(group, InjectErrorRule.Schema, where),
            BlkdebugOptions.SetStateKey => new Section(group, SetStateRule.Schema, where),
            _ => throw Malformed($"There is no option group '{group}'", where),
        };

        public void Set(string line, string lineWhere)
        {
            Match match = Assignment().Match(line);
            string key = match.Groups["bare"].Success ? match.Groups["bare"].Value : match.Groups["key"].Value;
            if (!schema.TryGet(key, out _))
            {
                throw Malformed($"Invalid parameter '{key}'", lineWhere);
            }

            _options[key] = match.Groups["value"].Value;
        }

        public void AddTo(List<InjectErrorRule> injectErrors, List<SetStateRule> setStates)
        {
            try
            {
                OptionReader reader = new(_options, schema);
                if (group == BlkdebugOptions.InjectErrorKey)
                {
                    injectErrors.Add(InjectErrorRule.Read(reader, string.Empty));
                }
                else
                {
                    setStates.Add(SetStateRule.Read(reader));
                }
            }
            catch (BlockException error)
            {
                throw new BlockException(error.Kind, error.Message, error) { Hint = $"in the section that begins in {where}" };
            }
        }
    }
}
