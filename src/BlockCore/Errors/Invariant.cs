using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Errors;

/// <summary>An always-on check for a broken graph: a bug, never bad input. <i>QEMU: assert().</i></summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantViolationException"/> unless <paramref name="condition"/> holds.</summary>
    /// <param name="condition">What must be true.</param>
    /// <param name="expression">Filled in by the compiler: the text of the condition.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check([DoesNotReturnIf(false)] bool condition, [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            Fail(expression);
        }
    }

    /// <summary>Throws <see cref="InvariantViolationException"/> saying <paramref name="what"/>.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Fail(string what) => throw new InvariantViolationException(what);
}

/// <summary>A bug in BlockGraph or in a driver. Nobody catches it to go on.</summary>
public sealed class InvariantViolationException : Exception
{
    /// <summary>Says which invariant broke.</summary>
    public InvariantViolationException(string message)
        : base("Invariant violated: " + message)
    {
    }

    /// <summary>An invariant broke.</summary>
    public InvariantViolationException()
        : this("(unnamed)")
    {
    }

    /// <summary>Says which invariant broke, and what led there.</summary>
    public InvariantViolationException(string message, Exception innerException)
        : base("Invariant violated: " + message, innerException)
    {
    }
}
