using System.Text;

namespace BlockGraph.Tools.Dispatch.Linux;

/// <summary>What the caller typed to start this process, as the kernel keeps it, links and all.</summary>
internal static class TypedName
{
    private const string CommandLineFile = "/proc/self/cmdline";

    /// <summary>The first word of the command line, or null where the kernel does not tell.</summary>
    public static string? OfThisProcess()
    {
        try
        {
            byte[] words = File.ReadAllBytes(CommandLineFile);
            int end = Array.IndexOf(words, (byte)0);
            return end > 0 ? Encoding.UTF8.GetString(words, 0, end) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without /proc the program goes by its own name.
            return null;
        }
    }
}
