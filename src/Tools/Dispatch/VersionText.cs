using System.Reflection;
using System.Text;

namespace BlockGraph.Tools.Dispatch;

/// <summary>What <c>--version</c> prints.</summary>
internal static class VersionText
{
    /// <summary>The version of the other program's observed behaviour that the links follow.</summary>
    private const string FollowedVersion = "7.2.22";

    /// <summary>This program's version.</summary>
    public static string Number { get; } =
        typeof(VersionText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>The line for a person, by the own name.</summary>
    public static string OwnLine => $"{CalledName.Own} {Number}";

    /// <summary>The line by the name of a link; scripts read the number after <c>version</c>.</summary>
    public static string LinkLine(string link) => $"{link} version {FollowedVersion} ({OwnLine})";

    /// <summary>Prints the own line without starting a console: that would take longer than all the rest.</summary>
    public static int PrintOwn()
    {
        using Stream output = Console.OpenStandardOutput();
        output.Write(Encoding.UTF8.GetBytes(OwnLine + "\n"));
        return 0;
    }
}
