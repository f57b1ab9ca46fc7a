using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.DriverModel;

/// <summary>
/// Decides whether a file that an image itself names, such as its backing file, may be opened. An image is untrusted input: its names can make whoever opens it connect to
/// servers and read what the image's author could not. What a user names, by an option or a command line, passes no gate.
/// </summary>
public abstract class ImplicitOpenGate
{
    /// <summary>Nothing is opened because an image says so.</summary>
    public static ImplicitOpenGate AllowNothing { get; } = new ClosedGate();

    /// <summary>Files and devices of this host, in any format: no <c>json:</c> name, and no protocol but those of files and devices.</summary>
    public static ImplicitOpenGate AllowFiles { get; } = new ProtocolGate(HostProtocols);

    /// <summary>Whatever an image names.</summary>
    public static ImplicitOpenGate AllowEverything { get; } = new OpenGate();

    /// <summary>What <see cref="AllowFiles"/> lets through, and names that begin with one of <paramref name="protocols"/> and a colon.</summary>
    public static ImplicitOpenGate AllowProtocols(params IEnumerable<string> protocols) => new ProtocolGate([.. protocols, .. HostProtocols]);

    private static string[] HostProtocols => ["file", "host_device", "host_cdrom"];

    /// <summary>Null where <paramref name="open"/> may go on; otherwise why not, as the end of a sentence that begins with image and name.</summary>
    public abstract string? FindRefusal(ImplicitOpen open);

    /// <summary>Lets <paramref name="open"/> pass, or refuses it with a word that says what a user may do.</summary>
    /// <exception cref="BlockException">It may not be opened.</exception>
    internal void Pass(ImplicitOpen open)
    {
        if (FindRefusal(open) is { } reason)
        {
            string driver = open.Driver is { Category: not DriverCategory.Format } special ? $"{open.Option}.driver={special.Name}," : "";
            throw new BlockException(BlockErrorKind.AccessDenied, $"Image '{open.ImageName}' names '{open.Name}' as its {Words(open.Option)}: {reason}")
            {
                Hint = $"If you trust it, give it as an option: {driver}{open.Option}.filename={open.FullName}, or allow it by the profile's {nameof(ImplicitOpenGate)}.",
            };
        }
    }

    /// <summary>The option as a person says it.</summary>
    internal static string Words(string option) => option == "backing" ? "backing file" : option.Replace('-', ' ');

    private sealed class OpenGate : ImplicitOpenGate
    {
        public override string? FindRefusal(ImplicitOpen open) => null;
    }

    private sealed class ClosedGate : ImplicitOpenGate
    {
        public override string? FindRefusal(ImplicitOpen open) => "nothing is opened because an image says so";
    }

    private sealed class ProtocolGate(string[] protocols) : ImplicitOpenGate
    {
        public override string? FindRefusal(ImplicitOpen open)
        {
            ArgumentNullException.ThrowIfNull(open);
            if (DriverRegistry.ProtocolPrefix(open.Name) is { } prefix && !protocols.Contains(prefix))
            {
                return $"'{prefix}:' is not followed out of an image";
            }

            // Any other driver than a format's takes the name for something else than an image, or adds something to it.
            return open.Driver is { Category: not DriverCategory.Format } driver && !protocols.Contains(driver.Name)
                ? $"driver '{driver.Name}' is not used because an image says so"
                : null;
        }
    }
}
