using System.Runtime.CompilerServices;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Awaiting this continues on the loop of a context; it is free when the caller is there already.</summary>
public readonly struct ContextSwitch : ICriticalNotifyCompletion, IEquatable<ContextSwitch>
{
    private static readonly Action<object?> s_invoke = static state => ((Action)state!)();

    // Null to stay where one is.
    private readonly AioContext? _context;

    internal ContextSwitch(AioContext? context) => _context = context;

    /// <summary>True where no hop is needed.</summary>
    public bool IsCompleted => _context?.IsHome ?? true;

    /// <summary>The awaiter is the switch itself.</summary>
    public ContextSwitch GetAwaiter() => this;

    /// <summary>Nothing comes back.</summary>
    public void GetResult()
    {
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => _context!.Post(s_invoke, continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _context!.Post(s_invoke, continuation);

    /// <inheritdoc/>
    public bool Equals(ContextSwitch other) => ReferenceEquals(_context, other._context);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ContextSwitch other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _context is null ? 0 : RuntimeHelpers.GetHashCode(_context);

    /// <summary>True where both go to the same context.</summary>
    public static bool operator ==(ContextSwitch left, ContextSwitch right) => left.Equals(right);

    /// <summary>True where they go to different contexts.</summary>
    public static bool operator !=(ContextSwitch left, ContextSwitch right) => !left.Equals(right);
}
