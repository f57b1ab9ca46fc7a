using System.Diagnostics.CodeAnalysis;
using NUnit.Framework;

namespace BlockGraph.TestKit.Conformance;

/// <summary>What a check requires of the driver.</summary>
internal static class Requirement
{
    /// <summary>Fails the check with <paramref name="message"/> unless <paramref name="condition"/> holds.</summary>
    public static void Check([DoesNotReturnIf(false)] bool condition, string message)
    {
        if (!condition)
        {
            Fail(message);
        }
    }

    /// <summary>Fails the check. Thrown, and not recorded as NUnit's own assertions are: a test may show that a check fails.</summary>
    [DoesNotReturn]
    public static void Fail(string message) => throw new AssertionException(message);

    /// <summary>Fails the check where there is a difference.</summary>
    public static void Same(string? difference, string what)
    {
        if (!string.IsNullOrEmpty(difference))
        {
            Fail($"{what}: {difference}");
        }
    }
}
