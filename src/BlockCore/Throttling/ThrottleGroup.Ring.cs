namespace BlockGraph.BlockCore.Throttling;

/// <content>Who belongs to the group, and what that makes of its tree.</content>
public sealed partial class ThrottleGroup
{
    /// <summary>Works out who is limited, here and below; adds those of whom it has changed to <paramref name="changed"/>.</summary>
    private void RefreshActivityUnsynchronized(List<ThrottleGroupMember> changed)
    {
        _isEnabled = _state.Config.IsEnabled || ClaimOrNullUnsynchronized?.Limit is not null || _parent?._isEnabled == true;
        ThrottleClaimant? claimant = _firstClaimant;
        for (int index = 0; index < _claimantCount; index++, claimant = claimant!.NextInRing)
        {
            if (claimant is ThrottleGroup group)
            {
                group.RefreshActivityUnsynchronized(changed);
                continue;
            }

            ThrottleGroupMember member = (ThrottleGroupMember)claimant!;
            bool isLimited = _isEnabled || member.ClaimOrNullUnsynchronized?.Limit is not null;
            if (member.IsLimited != isLimited)
            {
                member.IsLimited = isLimited;
                changed.Add(member);
            }
        }
    }

    /// <summary>Counts what makes the tree not plain: child groups, shares, groups that are fair by cost.</summary>
    private void AddPeculiaritiesUnsynchronized(int count)
    {
        _tree.PeculiarityCount += count;
        _tree.Root._isPlain = _tree.PeculiarityCount == 0;
    }

    private void CountSharesUnsynchronized(int count)
    {
        _shareCount += count;
        AddPeculiaritiesUnsynchronized(count);
    }

    /// <summary>Puts <paramref name="claimant"/> at the head of the ring, that is between the last and the first.</summary>
    private void LinkUnsynchronized(ThrottleClaimant claimant)
    {
        ThrottleClaimant next = _firstClaimant ?? claimant;
        ThrottleClaimant previous = _firstClaimant?.PreviousInRing ?? claimant;
        claimant.NextInRing = next;
        claimant.PreviousInRing = previous;
        next.PreviousInRing = claimant;
        previous.NextInRing = claimant;
        _firstClaimant = claimant;
        _claimantCount++;
        for (int direction = 0; direction < DirectionCount; direction++)
        {
            _tokens[direction] ??= claimant;
        }
    }

    private void UnlinkUnsynchronized(ThrottleClaimant claimant)
    {
        ThrottleClaimant next = claimant.NextInRing!;
        ThrottleClaimant previous = claimant.PreviousInRing!;
        bool isLast = ReferenceEquals(next, claimant);
        next.PreviousInRing = previous;
        previous.NextInRing = next;
        if (ReferenceEquals(_firstClaimant, claimant))
        {
            _firstClaimant = isLast ? null : next;
        }

        for (int direction = 0; direction < DirectionCount; direction++)
        {
            if (ReferenceEquals(_tokens[direction], claimant))
            {
                _tokens[direction] = isLast ? null : next;
            }
        }

        claimant.NextInRing = null;
        claimant.PreviousInRing = null;
        _claimantCount--;
        CountSharesUnsynchronized(claimant.ShareUnsynchronized.IsDefault ? 0 : -1);
    }
}
