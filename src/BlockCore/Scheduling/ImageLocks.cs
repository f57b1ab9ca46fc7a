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
    private int _held;
    private int _unshared;
    private Pending? _pending;

    /// <summary>The locks of <paramref name="file"/>, which stays the caller's: nothing held, everything shared.</summary>
    public ImageLocks(HostFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        _file = file;
    }

    /// <summary>The permissions that are announced as in use.</summary>
    public int Held => _held;

    /// <summary>The permissions that others may use.</summary>
    public int Shared => AllPermissions & ~_unshared;

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
        int unshared = AllPermissions & ~shared;
        try
        {
            PrepareFile(held, unshared);
            if (successor is { SupportsByteLocks: true })
            {
                Lock(successor, held, unshared);
            }
        }
        catch (BlockException)
        {
            Release(_file, _held, _unshared);
            if (successor is not null)
            {
                Release(successor, 0, 0);
            }

            throw;
        }

        _pending = new Pending(held, unshared, successor);
    }

    /// <summary>Carries the prepared change out: drops the locks that the new masks do not need. Cannot fail.</summary>
    public void Commit()
    {
        Invariant.Check(_pending is not null);
        (int held, int unshared, HostFile? successor) = _pending;
        if (successor is null)
        {
            Release(_file, held, unshared);
        }

        _file = successor ?? _file;
        _held = held;
        _unshared = unshared;
        _pending = null;
    }

    /// <summary>Takes the prepared change back. Cannot fail. A successor's locks are dropped; the caller closes it.</summary>
    public void Abort()
    {
        Invariant.Check(_pending is not null);
        Release(_file, _held, _unshared);
        if (_pending.Successor is { } successor)
        {
            Release(successor, 0, 0);
        }

        _pending = null;
    }

    private void PrepareFile(int held, int unshared)
    {
        bool onlyLoosens = (held & ~_held) == 0 && (unshared & ~_unshared) == 0;
        if (onlyLoosens || !_file.SupportsByteLocks)
        {
            return;
        }

        Lock(_file, held, unshared);
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

    private static void Lock(HostFile file, int held, int unshared)
    {
        for (int i = 0; i < PermissionCount; i++)
        {
            LockByte(file, held, i, HeldBase);
            LockByte(file, unshared, i, UnsharedBase);
        }
    }

    private static void LockByte(HostFile file, int mask, int index, long firstByte)
    {
        if ((mask & (1 << index)) != 0 && !file.TryLockShared(firstByte + index))
        {
            throw new BlockException(BlockErrorKind.Locked, $"Failed to lock byte {firstByte + index}");
        }
    }

    /// <summary>Drops every lock that the masks do not ask for.</summary>
    private static void Release(HostFile file, int held, int unshared)
    {
        if (!file.SupportsByteLocks)
        {
            return;
        }

        for (int i = 0; i < PermissionCount; i++)
        {
            int bit = 1 << i;
            if ((held & bit) == 0)
            {
                file.Unlock(HeldBase + i);
            }

            if ((unshared & bit) == 0)
            {
                file.Unlock(UnsharedBase + i);
            }
        }
    }

    private sealed record Pending(int Held, int Unshared, HostFile? Successor);
}
