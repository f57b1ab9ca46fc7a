using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>
/// What one open of an image tells other processes that it does with it, and what it lets them do, as shared locks on single
/// bytes of the file. <i>QEMU: raw_handle_perm_lock().</i>
/// </summary>
/// <remarks>
/// <para>
/// Masks have one bit per permission: consistent read 1, write 2, write unchanged 4, resize 8. With bit i held, byte 100+i is
/// locked; with bit i not shared, byte 200+i is. Nobody ever locks exclusively: a process that needs bit i asks whether an
/// exclusive lock on 200+i would succeed, one that does not share it asks about 100+i. Locking comes before asking, so of
/// two that come at once at least one sees the other.
/// </para>
/// <code>
///   settled --Prepare--> prepared --Commit--> settled, with the new masks
///                                 --Abort---> settled, with the old ones
/// </code>
/// <para>
/// 1. While prepared, the locks of the old and of the new masks are held, so that neither outcome needs a new lock.
/// 2. A failed Prepare leaves the locks as they were.
/// 3. A file without byte locks is never locked, and every Prepare succeeds.
/// Control plane; not thread-safe.
/// </para>
/// </remarks>
public sealed class ImageLocks
{
    /// <summary>Every permission there is.</summary>
    public const int AllPermissions = 15;

    /// <summary>The bit of the permission to write.</summary>
    internal const int WritePermission = 2;

    /// <summary>The bit of the permission to change the length.</summary>
    internal const int ResizePermission = 8;

    private const int PermissionCount = 4;
    private const long HeldBase = 100;
    private const long UnsharedBase = 200;
    private static readonly string[] s_names = ["consistent read", "write", "write unchanged", "resize"];

    private HostFile _file;
    private Masks _settled;

    // What is locked: more than what is settled while a change is prepared.
    private Masks _locked;
    private Pending? _pending;

    /// <summary>The locks of <paramref name="file"/>, which stays the caller's: nothing held, everything shared.</summary>
    public ImageLocks(HostFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        _file = file;
    }

    /// <summary>The permissions that are announced as in use.</summary>
    public int Held => _settled.Held;

    /// <summary>The permissions that others may use.</summary>
    public int Shared => AllPermissions & ~_settled.Unshared;

    /// <summary>
    /// Makes a change to <paramref name="held"/> and <paramref name="shared"/> possible. <see cref="Commit"/> or
    /// <see cref="Abort"/> must follow.
    /// </summary>
    /// <param name="held">The permissions that are going to be used.</param>
    /// <param name="shared">The permissions that others may use meanwhile.</param>
    /// <param name="successor">
    /// The open that takes this one's place at Commit (a reopen), or null. It gets the new locks now, before the caller
    /// closes the old one. It is not asked about conflicts, for it would find the old one's locks.
    /// </param>
    /// <exception cref="BlockException">Another open excludes it (<see cref="BlockErrorKind.Locked"/>), or locking failed.</exception>
    public void Prepare(int held, int shared, HostFile? successor = null)
    {
        Invariant.Check(_pending is null);
        Invariant.Check((held & ~AllPermissions) == 0);
        Invariant.Check((shared & ~AllPermissions) == 0);
        Masks wanted = new(held, AllPermissions & ~shared);
        Masks lockedOfSuccessor = default;
        try
        {
            PrepareFile(wanted);
            if (successor is { SupportsByteLocks: true })
            {
                Lock(successor, wanted, ref lockedOfSuccessor);
            }
        }
        catch (BlockException)
        {
            Release(_file, ref _locked, _settled);
            if (successor is not null)
            {
                Release(successor, ref lockedOfSuccessor, default);
            }

            throw;
        }

        _pending = new Pending(wanted, successor, lockedOfSuccessor);
    }

    /// <summary>Carries the prepared change out: drops the locks that the new masks do not need. Cannot fail.</summary>
    public void Commit()
    {
        Invariant.Check(_pending is not null);
        (Masks wanted, HostFile? successor, Masks lockedOfSuccessor) = _pending;
        if (successor is null)
        {
            Release(_file, ref _locked, wanted);
        }
        else
        {
            _file = successor;
            _locked = lockedOfSuccessor;
        }

        _settled = wanted;
        _pending = null;
    }

    /// <summary>Takes the prepared change back. Cannot fail. A successor's locks are dropped; the caller closes it.</summary>
    public void Abort()
    {
        Invariant.Check(_pending is not null);
        Release(_file, ref _locked, _settled);
        if (_pending is { Successor: { } successor, LockedOfSuccessor: var lockedOfSuccessor })
        {
            Release(successor, ref lockedOfSuccessor, default);
        }

        _pending = null;
    }

    private void PrepareFile(Masks wanted)
    {
        (int held, int unshared) = wanted;
        bool onlyLoosens = (held & ~_settled.Held) == 0 && (unshared & ~_settled.Unshared) == 0;
        if (onlyLoosens || !_file.SupportsByteLocks)
        {
            return;
        }

        Lock(_file, wanted, ref _locked);
        for (int i = 0; i < PermissionCount; i++)
        {
            int bit = 1 << i;
            if ((held & bit) != 0 && _file.IsLockedByOthers(UnsharedBase + i))
            {
                throw HostFileError.LockConflict($"\"{s_names[i]}\"", _file.Path);
            }

            if ((unshared & bit) != 0 && _file.IsLockedByOthers(HeldBase + i))
            {
                throw HostFileError.LockConflict($"shared \"{s_names[i]}\"", _file.Path);
            }
        }
    }

    private static void Lock(HostFile file, Masks wanted, ref Masks locked)
    {
        for (int bit = 1; bit <= AllPermissions; bit <<= 1)
        {
            if ((wanted.Held & ~locked.Held & bit) != 0)
            {
                LockByte(file, HeldBase + int.Log2(bit));
                locked.Held |= bit;
            }

            if ((wanted.Unshared & ~locked.Unshared & bit) != 0)
            {
                LockByte(file, UnsharedBase + int.Log2(bit));
                locked.Unshared |= bit;
            }
        }
    }

    private static void LockByte(HostFile file, long offset)
    {
        if (!file.TryLockShared(offset))
        {
            throw new BlockException(BlockErrorKind.Locked, $"Failed to lock byte {offset}");
        }
    }

    /// <summary>Drops every lock that <paramref name="kept"/> does not ask for.</summary>
    private static void Release(HostFile file, ref Masks locked, Masks kept)
    {
        for (int bit = 1; bit <= AllPermissions; bit <<= 1)
        {
            if ((locked.Held & ~kept.Held & bit) != 0)
            {
                file.Unlock(HeldBase + int.Log2(bit));
            }

            if ((locked.Unshared & ~kept.Unshared & bit) != 0)
            {
                file.Unlock(UnsharedBase + int.Log2(bit));
            }
        }

        locked = new Masks(locked.Held & kept.Held, locked.Unshared & kept.Unshared);
    }

    private record struct Masks(int Held, int Unshared);

    private sealed record Pending(Masks Wanted, HostFile? Successor, Masks LockedOfSuccessor);
}
