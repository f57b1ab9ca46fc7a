using BlockGraph.BlockCore.Errors;

namespace BlockGraph.Tools.Img;

/// <summary>
/// One command of <c>blockgraph img</c> and <c>qemu-img</c>: what it is called, what it takes, and what it does. An instance serves one call: first it takes the options, in the order
/// given, then it holds them against each other, then it runs.
/// </summary>
internal abstract class ImgVerb
{
    /// <summary>What it is called.</summary>
    public abstract string Name { get; }

    /// <summary>By which name it was called.</summary>
    public ImgName Caller { get; init; } = ImgName.Own;

    /// <summary>One line for a person.</summary>
    public abstract string Summary { get; }

    /// <summary>What stands behind the options, for the line of usage.</summary>
    public virtual string Usage => "FILENAME";

    /// <summary>What a person should know beyond the options, one paragraph each.</summary>
    public virtual IReadOnlyList<string> Notes => [];

    /// <summary>Command lines as one would write them, for the help and the man page.</summary>
    public virtual IReadOnlyList<string> Examples => [];

    /// <summary>The options, in the order of the help; <c>-h</c> is everybody's.</summary>
    public abstract IReadOnlyList<ImgOption> Options { get; }

    /// <summary>The exit code where it could not begin, because an object was not made.</summary>
    public virtual int ObjectFailureExitCode => 1;

    /// <summary>The sizes among what is no option, once they were held against the rest.</summary>
    public virtual IEnumerable<string> SizeOperands(IReadOnlyList<string> operands) => [];

    /// <summary>Takes what does not follow the rules of options from <paramref name="arguments"/>, and returns the rest.</summary>
    public virtual IReadOnlyList<string> TakeFirst(IReadOnlyList<string> arguments) => arguments;

    /// <summary>Takes an option by its long name.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    public void Take(string option, string? value) => TakeOption(option, value);

    /// <summary>Holds options and operands against each other, before there is a graph.</summary>
    /// <exception cref="BlockException">They do not go together.</exception>
    public abstract void Check(IReadOnlyList<string> operands);

    /// <summary>Does the work and returns the exit code.</summary>
    /// <exception cref="BlockException">It has failed.</exception>
    public abstract Task<int> RunAsync(ImgCall call);

    /// <summary>Takes an option of the command's own: <c>--object</c> and <c>--virtual-time</c> are the program's.</summary>
    /// <exception cref="BlockException">The value is none for the option.</exception>
    protected abstract void TakeOption(string option, string? value);

    /// <summary>An option that the command declares and does not take is a mistake of ours.</summary>
    protected static ArgumentException NoSuchOption(string option) => new($"no option '{option}'", nameof(option));

    /// <summary>The one operand that there must be.</summary>
    /// <exception cref="BlockException">There is none, or there are more.</exception>
    protected static void CheckOneFile(IReadOnlyList<string> operands)
    {
        if (operands.Count != 1)
        {
            throw ImgUsage.Error("Expecting one image file name");
        }
    }
}
