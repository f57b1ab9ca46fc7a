using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.Drivers.Formats.Qcow2.Amending;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Other properties of the format. The node is drained.</content>
internal sealed partial class Qcow2Instance
{
    private const int ZeroBytesMax = 2 << 20;

    /// <inheritdoc/>
    protected override async Task AmendAsync(ImageAmendRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        IProgress<double>? progress = request.Progress;
        AmendOptions wanted = AmendOptions.Read(request, metadata.Area);
        wanted.Check(metadata.Area, Node.CowChild?.LengthBytes ?? 0);
        bool changesLengthFirst = Node.Graph.Profile.DowngradeChangesLengthFirst && wanted.Version < metadata.Area.Header.Version;
        if (!changesLengthFirst)
        {
            CheckDowngrade(wanted);
        }

        LuksKeyChange? keyChange = wanted.ChangesKeys
            ? LuksKeyChangeReader.Read(Node.Graph, new OptionReader(request.Options.Clone(), AmendOptions.Schema), Qcow2EncryptionOptions.Prefix, request.IsForced)
            : null;
        using KeyMaterial? newPassphrase = keyChange?.NewPassphrase;
        using KeyMaterial? oldPassphrase = keyChange?.OldPassphrase;
        Amendment amendment = new(metadata, wanted, progress);
        progress?.Report(0);
        await metadata.BeginChangeAsync();
        metadata.NamedBackingBytes = Math.Max(metadata.NamedBackingBytes, wanted.Backing?.LengthBytes ?? 0);
        if (changesLengthFirst)
        {
            await ChangeLengthAsync(wanted.LengthBytes, cancel);
            CheckDowngrade(wanted);
        }

        if (amendment.IsDowngrade)
        {
            await metadata.SettleAsync();
            await amendment.CheckTablesAsync(cancel);
        }

        if (keyChange is not null)
        {
            // Its own header has its own order of writes: a slot is there or it is not.
            using KeyMaterial passphrase = Qcow2EncryptionOptions.TakeSecret(Node.Graph, metadata.Options.SecretId);
            await metadata.Volume!.ChangeKeysAsync(keyChange, passphrase, cancel);
        }

        if (amendment.BeginsWithLength)
        {
            await ChangeLengthAsync(wanted.LengthBytes, cancel);
        }

        if (amendment.IsDowngrade)
        {
            TableProgress tables = new(progress, metadata.Map.Top.Length + metadata.Snapshots.Entries.Sum(static snapshot => (long)snapshot.L1EntryCount));
            await WriteOutZeroesAsync(tables, cancel);
            await metadata.SettleAsync();
            await amendment.WriteOutSnapshotZeroesAsync(tables, cancel);
            await metadata.KeptBitmaps.DropAllAsync();
        }

        await amendment.ChangeHeaderAsync(cancel);
        await ChangeLengthAsync(wanted.LengthBytes, cancel);
        progress?.Report(1);
    }

    private void CheckDowngrade(AmendOptions wanted)
    {
        bool hasBitmaps = metadata.KeptBitmaps.HasAny || !metadata.Area.BitmapsExtension.IsEmpty;
        wanted.CheckDowngrade(metadata.Area, keepsBitmaps: hasBitmaps && !Node.Graph.Profile.DowngradeDropsBitmaps);
    }

    // What a longer backing image has beyond the old end was never to be seen.
    private async ValueTask ChangeLengthAsync(long? lengthBytes, CancellationToken cancel)
    {
        if (lengthBytes is { } length && length != LengthBytes)
        {
            await TryWriteLengthAsync(length, isExact: true, PreallocationMode.Off, RequestFlags.ZeroWrite, cancel);
        }
    }

    /// <summary>Clusters that read as zeros without having any become clusters of zeros, or none where no backing node shows then.</summary>
    private async Task WriteOutZeroesAsync(TableProgress tables, CancellationToken cancel)
    {
        byte[] zeros = new byte[Math.Max(_geometry.ClusterBytes, ZeroBytesMax)];
        long end = metadata.Map.Top.Length * _geometry.L1SpanBytes;
        for (long at = 0; at < end;)
        {
            cancel.ThrowIfCancellationRequested();
            GuestRun run = await metadata.Map.FindAsync(at, end - at);
            long length = run.LengthBytes;
            if (run.Kind == SubclusterKind.Zero && metadata.ShowsBacking(at))
            {
                length = Math.Min(length, zeros.Length);
                await WriteRangeAsync(at, zeros.AsMemory(0, (int)length), CancellationToken.None);
            }
            else if (run.Kind == SubclusterKind.Zero)
            {
                length = await DiscardAsync(at, at + length, DiscardReason.Other, isForGood: true);
                await BreatheAsync();
            }

            at += length;
            tables.Reach(at / _geometry.L1SpanBytes);
        }
    }
}
