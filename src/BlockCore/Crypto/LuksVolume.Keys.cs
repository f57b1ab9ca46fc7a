using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Crypto;

/// <content>The key slots: opening, writing and erasing them.</content>
public sealed partial class LuksVolume
{
    /// <summary>Changes key slots. One change at a time.</summary>
    /// <param name="change">How; its passphrases stay the caller's.</param>
    /// <param name="passphrase">One that opens the volume: the master key comes from there.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">It is not possible or not safe, or could not be written.</exception>
    public async Task ChangeKeysAsync(LuksKeyChange change, KeyMaterial passphrase, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(passphrase);
        LuksKeyChange.Check(change.IsActivating, change.NewPassphrase is not null, change.OldPassphrase is not null, change.IterTimeMs is not null, change.Slot);
        await (change.IsActivating ? AddKeyAsync(change, passphrase, cancel) : EraseKeysAsync(change, cancel));
    }

    private async Task AddKeyAsync(LuksKeyChange change, KeyMaterial passphrase, CancellationToken cancel)
    {
        int slot = (int?)change.Slot ?? Array.FindIndex(_header.Slots, slot => !slot.IsActive);
        if (slot < 0)
        {
            throw new BlockException(BlockErrorKind.NoSpace, "Can't add a keyslot - all keyslots are in use");
        }

        if (_header.Slots[slot].IsActive && !change.IsForced)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, $"Refusing to overwrite active keyslot {slot} - please erase it first");
        }

        CheckInside(slot);
        using KeyMaterial masterKey = await OpenMasterKeyAsync(passphrase, cancel);
        long iterationCount = await DerivationRun.CountForAsync(
            _context, _hash, _cipher.KeyBytes, change.IterTimeMs ?? LuksFormatOptions.IterTimeMsDefault, cancel);
        await WriteSlotAsync(slot, masterKey, change.NewPassphrase!, iterationCount, cancel);
    }

    private async Task EraseKeysAsync(LuksKeyChange change, CancellationToken cancel)
    {
        List<int> slots = change.Slot is { } named ? [(int)named] : [];
        if (change.OldPassphrase is { } old)
        {
            slots = await FindSlotsAsync(old, slots, cancel);
        }
        else if (!_header.Slots[slots[0]].IsActive)
        {
            throw new BlockException($"Given keyslot {slots[0]} is already erased (inactive) ");
        }

        int activeCount = _header.Slots.Count(slot => slot.IsActive);
        if (slots.Count == activeCount && !change.IsForced)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, change.Slot is { } last
                ? $"Attempt to erase the only active keyslot {last} which will erase all the data in the image irreversibly - refusing operation"
                : "All the active keyslots match the (old) password that was given and erasing them will erase all the data in the image irreversibly - refusing operation");
        }

        foreach (int slot in slots)
        {
            await EraseSlotAsync(slot, cancel);
        }
    }

    // Among those that were named, if any were.
    private async Task<List<int>> FindSlotsAsync(KeyMaterial passphrase, List<int> named, CancellationToken cancel)
    {
        List<int> found = [];
        for (int slot = 0; slot < LuksHeader.SlotCount; slot++)
        {
            if (_header.Slots[slot].IsActive && (named.Count == 0 || named.Contains(slot)) && IsAffordable(slot))
            {
                using KeyMaterial? key = await TryOpenSlotAsync(slot, passphrase, cancel);
                if (key is not null)
                {
                    found.Add(slot);
                }
            }
        }

        if (found.Count == 0)
        {
            throw new BlockException(BlockErrorKind.NotPermitted, named.Count == 0
                ? "No keyslots match given (old) password for erase operation"
                : $"Given keyslot {named[0]} doesn't contain the given old password for erase operation");
        }

        return found;
    }

    private async Task<KeyMaterial> OpenMasterKeyAsync(KeyMaterial passphrase, CancellationToken cancel)
    {
        if (_header.MasterKeyIterationCount > IterationCountMax)
        {
            throw TooExpensive($"LUKS key iteration count {_header.MasterKeyIterationCount}");
        }

        for (int slot = 0; slot < LuksHeader.SlotCount; slot++)
        {
            if (_header.Slots[slot].IsActive && IsAffordable(slot) && await TryOpenSlotAsync(slot, passphrase, cancel) is { } key)
            {
                return key;
            }
        }

        int refused = Array.FindIndex(_header.Slots, slot => slot.IsActive && slot.IterationCount > IterationCountMax);
        throw refused >= 0
            ? TooExpensive($"Keyslot {refused} iteration count {_header.Slots[refused].IterationCount}")
            : new BlockException(BlockErrorKind.NotPermitted, "Invalid password, cannot unlock any keyslot");
    }

    private bool IsAffordable(int slot) => _header.Slots[slot].IterationCount <= IterationCountMax;

    private static BlockException TooExpensive(string what) => new(BlockErrorKind.NotSupported, $"{what} is more than the {IterationCountMax} that are accepted");

    // The master key that the slot holds; null where the passphrase is not the slot's.
    private async Task<KeyMaterial?> TryOpenSlotAsync(int index, KeyMaterial passphrase, CancellationToken cancel)
    {
        LuksKeySlot slot = _header.Slots[index];
        CheckInside(index);
        using KeyMaterial slotKey = new(_cipher.KeyBytes);
        await DerivationRun.DeriveAsync(_context, _hash, passphrase, slot.Salt, slot.IterationCount, slotKey, cancel);
        using KeyMaterial stripes = new((int)LuksHeader.KeyMaterialSectors(_cipher.KeyBytes) * SectorCipher.SectorBytes);
        await _area.ReadAsync(slot.KeyOffset, stripes.Memory, cancel);
        KeyMaterial candidate = new(_cipher.KeyBytes);
        using KeyMaterial digest = new(LuksHeader.DigestBytes);
        bool isRight = false;
        try
        {
            await _context.RunOnWorkers(() =>
            {
                using SectorCipher cipher = _cipher.CreateCipher(slotKey.Span);
                cipher.Decrypt(0, stripes.Span, stripes.Span);
                AntiForensicKey.Merge(_hash, stripes.Span[..(_cipher.KeyBytes * LuksKeySlot.Stripes)], candidate.Span);
            });
            await DerivationRun.DeriveAsync(_context, _hash, candidate, _header.MasterKeySalt, _header.MasterKeyIterationCount, digest, cancel);
            isRight = digest.Matches(_header.MasterKeyDigest);
            return isRight ? candidate : null;
        }
        finally
        {
            if (!isRight)
            {
                candidate.Dispose();
            }
        }
    }

    private async Task WriteSlotAsync(int index, KeyMaterial masterKey, KeyMaterial passphrase, long iterationCount, CancellationToken cancel)
    {
        LuksKeySlot slot = _header.Slots[index] with
        {
            State = LuksKeySlot.Active,
            IterationCount = (uint)iterationCount,
            Salt = RandomNumberGenerator.GetBytes(LuksKeySlot.SaltBytes),
        };
        using KeyMaterial slotKey = new(_cipher.KeyBytes);
        await DerivationRun.DeriveAsync(_context, _hash, passphrase, slot.Salt, iterationCount, slotKey, cancel);
        using KeyMaterial stripes = new((int)LuksHeader.KeyMaterialSectors(_cipher.KeyBytes) * SectorCipher.SectorBytes);
        await _context.RunOnWorkers(() =>
        {
            AntiForensicKey.Split(_hash, masterKey.Span, stripes.Span[..(_cipher.KeyBytes * LuksKeySlot.Stripes)]);
            using SectorCipher cipher = _cipher.CreateCipher(slotKey.Span);
            cipher.Encrypt(0, stripes.Span, stripes.Span);
        });
        await _area.WriteAsync(slot.KeyOffset, stripes.Memory, cancel);
        await _area.FlushAsync(cancel);
        await WriteHeaderAsync(WithSlot(index, slot));
    }

    private async Task EraseSlotAsync(int index, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        CheckInside(index);
        LuksKeySlot slot = _header.Slots[index] with { State = LuksKeySlot.Inactive, IterationCount = 0, Salt = new byte[LuksKeySlot.SaltBytes] };
        await WriteHeaderAsync(WithSlot(index, slot));
        using KeyMaterial noise = KeyMaterial.CreateRandom((int)LuksHeader.KeyMaterialSectors(_cipher.KeyBytes) * SectorCipher.SectorBytes);
        try
        {
            await _area.WriteAsync(slot.KeyOffset, noise.Memory, CancellationToken.None);
            await _area.FlushAsync(CancellationToken.None);
        }
        catch (BlockException failure)
        {
            throw failure.Prefixed($"Keyslot {index} is erased, but its key material could not be overwritten: ");
        }
    }

    private LuksHeader WithSlot(int index, LuksKeySlot slot)
    {
        LuksKeySlot[] slots = [.. _header.Slots];
        slots[index] = slot;
        return _header with { Slots = slots };
    }

    // Once it is begun it is not cancelled: what it left would be neither the one nor the other.
    private async Task WriteHeaderAsync(LuksHeader header)
    {
        byte[] bytes = new byte[LuksHeader.Size];
        header.WriteTo(bytes);
        try
        {
            await _area.WriteAsync(0, bytes, CancellationToken.None);
            await _area.FlushAsync(CancellationToken.None);
        }
        catch (BlockException)
        {
            await TryRestoreHeaderAsync(bytes);
            throw;
        }

        _header = header;
    }

    private async Task TryRestoreHeaderAsync(byte[] bytes)
    {
        _header.WriteTo(bytes);
        try
        {
            await _area.WriteAsync(0, bytes, CancellationToken.None);
            await _area.FlushAsync(CancellationToken.None);
        }
        catch (BlockException)
        {
            // The storage takes nothing any more: the failure before says so.
        }
    }

    // Of a header that lies by itself nothing else says where it ends.
    private void CheckInside(int index)
    {
        long end = _header.Slots[index].KeyOffset + (LuksHeader.KeyMaterialSectors(_cipher.KeyBytes) * SectorCipher.SectorBytes);
        if (end > _area.LengthBytes)
        {
            throw new BlockException(BlockErrorKind.CorruptImage, $"Keyslot {index} ends at {end}, behind the end of the file ({_area.LengthBytes})");
        }
    }
}
