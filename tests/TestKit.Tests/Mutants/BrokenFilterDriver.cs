using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Permissions;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.TestKit.Tests.Mutants;

/// <summary>What is wrong with a filter.</summary>
internal enum FilterFault
{
    None,
    DropsTail,
    ZeroesTooMuch,
    IgnoresZeroWrites,
    DiscardsTooMuch,
    LiesAboutZeros,
    LiesAboutOffsets,
    RemembersLength,
    Inverts,
    AsksForNoPermission,
    ClaimsForceUnitAccess,
    WritesLater,
    SwallowsErrors,
    HangsAfterErrors,
    SwallowsOpenErrors,
    IgnoresReadErrorsInOpen,
    WritesInOpen,
    RemembersContext,
    ShiftsOnReopen,
    ReopensTooEarly,
    NeverCloses,
    FailsToClose,
    CancelsTooLate,
    Allocates,
}

/// <summary>A filter that passes everything on, but for one fault.</summary>
internal sealed class BrokenFilterDriver(FilterFault fault) : BlockDriver
{
    public BrokenFilterDriver()
        : this(FilterFault.None)
    {
    }

    public override string Name => "broken-filter";

    public override string Summary => "a filter with a fault";

    public override DriverCategory Category => DriverCategory.Filter;

    public override bool SupportsReopen => true;

    public override OptionSchema Options { get; } = new(new OptionDefinition("file", OptionType.Child, "the child") { IsRequired = true });

    public override async Task<BlockDriverInstance> OpenAsync(OpenContext context, CancellationToken cancel)
    {
        BlockChild? file = null;
        try
        {
            file = await context.OpenChildAsync("file", ChildRole.Filtered | ChildRole.Primary);
            if (fault is FilterFault.IgnoresReadErrorsInOpen)
            {
                await file.ReadAsync(0, new byte[512], RequestFlags.None, cancel);
            }

            if (fault == FilterFault.WritesInOpen)
            {
                await file.WriteAsync(512, new byte[] { 1 }, RequestFlags.None, cancel);
                await file.FlushAsync(cancel);
            }
        }
        catch (BlockException) when (fault == FilterFault.SwallowsOpenErrors || (fault == FilterFault.IgnoresReadErrorsInOpen && file is not null))
        {
        }

        return new Instance(file!, fault);
    }

    private sealed class Instance : BlockDriverInstance
    {
        // Half of what the workload waits between two requests, at most: so most drains begin while something is left to write.
        private const long LaterNs = 50_000;

        private readonly BlockChild _file;
        private readonly FilterFault _fault;
        private readonly CoQueue _noneLater = new();
        private int _laterCount;
        private readonly long _openedLength;
        private AioContext? _context;
        private long _shift;
        private object? _garbage;

        public Instance(BlockChild file, FilterFault fault)
        {
            _file = file;
            _fault = fault;
            _openedLength = file?.LengthBytes ?? 0;
        }

        public override RequestFlags SupportedWriteFlags => _fault == FilterFault.ClaimsForceUnitAccess ? RequestFlags.Fua : RequestFlags.None;

        public override RequestFlags SupportedZeroFlags => _file.Node.Instance.SupportedZeroFlags;

        protected override long GetLengthBytes() => _fault == FilterFault.RemembersLength || _file is null ? _openedLength : _file.LengthBytes;

        protected override ValueTask ReadAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            _fault switch
            {
                FilterFault.Inverts => ReadInvertedAsync(offset, buffer, cancel),
                FilterFault.Allocates => Allocate(_file.ReadAsync(offset, buffer, flags, cancel)),
                FilterFault.RemembersContext => ReadInContextAsync(offset, buffer, flags, cancel),
                _ => _file.ReadAsync(offset + _shift, buffer, flags, cancel),
            };

        protected override ValueTask WriteAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel) =>
            _fault switch
            {
                FilterFault.DropsTail when buffer.Length > 8192 => _file.WriteAsync(offset, buffer.Slice(0, 8192), flags, cancel),
                FilterFault.Inverts => _file.WriteAsync(offset, Inverted(buffer), flags, cancel),
                FilterFault.ClaimsForceUnitAccess => _file.WriteAsync(offset, buffer, flags & ~RequestFlags.Fua, cancel),
                FilterFault.WritesLater => WriteLater(offset, buffer, flags),
                FilterFault.SwallowsErrors or FilterFault.HangsAfterErrors => WriteQuietlyAsync(offset, buffer, flags, cancel),
                FilterFault.CancelsTooLate => WriteAndCancelAsync(offset, buffer, flags, cancel),
                FilterFault.Allocates => Allocate(_file.WriteAsync(offset, buffer, flags, cancel)),
                _ => _file.WriteAsync(offset + _shift, buffer, flags, cancel),
            };

        protected override async ValueTask<bool> TryWriteZeroesAsync(long offset, long length, RequestFlags flags, CancellationToken cancel)
        {
            if (_fault == FilterFault.Inverts)
            {
                await _file.WriteAsync(offset, Inverted(new byte[length]), flags, cancel);
            }
            else if (_fault != FilterFault.IgnoresZeroWrites)
            {
                long start = _fault == FilterFault.ZeroesTooMuch ? offset / 512 * 512 : offset;
                await _file.WriteZeroesAsync(start + _shift, offset + length - start, flags, cancel);
            }

            return true;
        }

        protected override async ValueTask<bool> TryDiscardAsync(long offset, long length, CancellationToken cancel)
        {
            long start = _fault == FilterFault.DiscardsTooMuch ? offset / 4096 * 4096 : offset;
            await _file.DiscardAsync(start + _shift, offset + length - start, cancel);
            return true;
        }

        protected override ValueTask<BlockStatus> GetStatusAsync(BlockStatusQuery wanted, long offset, long length, CancellationToken cancel) => _fault switch
        {
            FilterFault.LiesAboutZeros => new(new BlockStatus(BlockStatusFlags.Zero, length)),
            FilterFault.LiesAboutOffsets => new(new BlockStatus(BlockStatusFlags.Data | BlockStatusFlags.OffsetValid, length, offset == 0 ? 1 : offset - 1, _file)),
            _ => base.GetStatusAsync(wanted, offset, length, cancel),
        };

        protected override PermissionSet GetChildPermissions(ChildPermissionRequest request) =>
            _fault == FilterFault.AsksForNoPermission ? PermissionSet.Unused : request.Users;

        protected override Task PrepareReopenAsync(ReopenContext reopen, CancellationToken cancel)
        {
            _shift += _fault == FilterFault.ReopensTooEarly ? 1 : 0;
            return Task.CompletedTask;
        }

        protected override void CommitReopen(ReopenContext reopen)
        {
            _shift -= _fault == FilterFault.ReopensTooEarly ? 1 : 0;
            _shift += _fault == FilterFault.ShiftsOnReopen ? 1 : 0;
        }

        protected override ValueTask CloseAsync() => _fault switch
        {
            FilterFault.NeverCloses => new CoQueue().WaitAsync(),
            FilterFault.FailsToClose => throw new InvalidOperationException("on purpose"),
            FilterFault.WritesLater => FinishLaterAsync(),
            _ => default,
        };

        private static byte[] Inverted(IoVector buffer)
        {
            byte[] bytes = new byte[buffer.Length];
            buffer.CopyTo(bytes);
            return [.. bytes.Select(b => unchecked((byte)~b))];
        }

        private async ValueTask ReadInvertedAsync(long offset, IoVector buffer, CancellationToken cancel)
        {
            await _file.ReadAsync(offset, buffer, RequestFlags.None, cancel);
            buffer.CopyFrom(Inverted(buffer));
        }

        private ValueTask Allocate(ValueTask task)
        {
            _garbage = new object();
            GC.KeepAlive(_garbage);
            return task;
        }

        // Says that it is done, and begins a good while later: longer than a drain takes that has nothing to wait for.
        private ValueTask WriteLater(long offset, IoVector buffer, RequestFlags flags)
        {
            byte[] bytes = new byte[buffer.Length];
            buffer.CopyTo(bytes);
            _laterCount++;
            AioContext.Current!.Post(async _ => await WriteAfterDelayAsync(offset, bytes, flags), null);
            return default;
        }

        private async ValueTask WriteAfterDelayAsync(long offset, byte[] bytes, RequestFlags flags)
        {
            await AioContext.Current!.DelayAsync(LaterNs);
            await _file.WriteAsync(offset, bytes, flags, CancellationToken.None);
            if (--_laterCount == 0)
            {
                _noneLater.WakeAll();
            }
        }

        // Closing is not what is wrong with it.
        private async ValueTask FinishLaterAsync()
        {
            while (_laterCount > 0)
            {
                await _noneLater.WaitAsync();
            }
        }

        private async ValueTask WriteQuietlyAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            try
            {
                await _file.WriteAsync(offset, buffer, flags, cancel);
            }
            catch (BlockException)
            {
                if (_fault == FilterFault.HangsAfterErrors)
                {
                    await new CoQueue().WaitAsync(CancellationToken.None);
                }
            }
        }

        private async ValueTask WriteAndCancelAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            await _file.WriteAsync(offset, buffer, flags, CancellationToken.None);
            cancel.ThrowIfCancellationRequested();
        }

        private async ValueTask ReadInContextAsync(long offset, IoVector buffer, RequestFlags flags, CancellationToken cancel)
        {
            _context ??= AioContext.Current!;
            Invariant.Check(_context.IsHome);
            await _file.ReadAsync(offset, buffer, flags, cancel);
        }
    }
}
