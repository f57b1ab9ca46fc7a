using System.Security.Cryptography;
using System.Text;

namespace BlockGraph.Tools.Tests.Differential;

/// <summary>Command lines that run one after the other in one folder; most on raw images have one.</summary>
internal sealed record DifferentialCase(string Verb, string Format, IReadOnlyList<CommandLine> Lines)
{
    private const int KeyLetters = 8;

    /// <summary>Names the case where its lines are too many to write down.</summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToString())))[..KeyLetters];

    public override string ToString() => string.Join("; ", Lines);
}
