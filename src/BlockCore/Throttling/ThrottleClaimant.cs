namespace BlockGraph.BlockCore.Throttling;

/// <summary>Whoever takes turns in a group: a member, or a group below it. <i>QEMU: ThrottleGroupMember only.</i></summary>
public abstract class ThrottleClaimant
{
    /// <summary>The ring's links; null outside one. Protected by the tree's lock, like everything here.</summary>
    internal ThrottleClaimant? NextInRing;

    /// <inheritdoc cref="NextInRing"/>
    internal ThrottleClaimant? PreviousInRing;

    private ThrottleClaim? _claim;

    private protected ThrottleClaimant()
    {
    }

    /// <summary>The group that it takes turns in; null for the root of a tree.</summary>
    internal abstract ThrottleGroup? Upper { get; }

    /// <summary>Its share of what <see cref="Upper"/> admits.</summary>
    internal ThrottleShare ShareUnsynchronized => _claim?.Share ?? ThrottleShare.Default;

    /// <summary>What it has had; null while nobody has asked and its share is the default.</summary>
    internal ThrottleClaim? ClaimOrNullUnsynchronized => _claim;

    /// <summary>What it has had and may have.</summary>
    internal ThrottleClaim ClaimUnsynchronized => _claim ??= new ThrottleClaim(ThrottleShare.Default);

    /// <summary>How many requests wait here or below.</summary>
    internal abstract int PendingUnsynchronized(ThrottleDirection direction);

    /// <summary>Gives it another share; what it has had counts on.</summary>
    internal void SetShareUnsynchronized(ThrottleShare share, long nowNs)
    {
        if (_claim is not null)
        {
            _claim.SetShare(share, nowNs);
        }
        else if (!share.IsDefault)
        {
            _claim = new ThrottleClaim(share);
        }
    }
}
