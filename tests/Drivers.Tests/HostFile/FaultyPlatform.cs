using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Tests.HostFile;

/// <summary>
/// A platform whose files are those of another one until the test makes a call fail. Fault model: any one call may fail with any
/// error; a file may ask for other alignments than the open before it, and refuse transfers that are aligned.
/// </summary>
internal sealed class FaultyPlatform(HostPlatform inner) : HostPlatform
{
    /// <summary>Called before every call with its name and the file's; throws to fail it. From any thread.</summary>
    public Action<string, HostFileOptions> Fault { get; set; } = (_, _) => { };

    /// <summary>The alignment that files opened from now on ask for, of requests and of memory, in bytes.</summary>
    public int AlignmentBytes { get; set; } = 1;

    /// <summary>Files opened from now on say that they bypass the page cache.</summary>
    public bool ClaimsDirect { get; set; }

    /// <summary>Files opened from now on say that they are block devices.</summary>
    public bool ClaimsBlockDevice { get; set; }

    /// <summary>Whether files take space for what is not written yet.</summary>
    public bool AllocatesSpace { get; set; } = true;

    /// <inheritdoc/>
    public override string Name => inner.Name;

    /// <inheritdoc/>
    public override OpenFile OpenFile(in HostFileOptions options)
    {
        Fault("open", options);
        return new FaultyFile(this, inner.OpenFile(options with { IsDirect = false }), options with { IsDirect = ClaimsDirect });
    }

    /// <inheritdoc/>
    public override bool CreateFile(string path, long lengthBytes) => inner.CreateFile(path, lengthBytes);

    /// <inheritdoc/>
    internal override LoopWaiter CreateLoopWaiter(PolledAioContext context) => inner.CreateLoopWaiter(context);

    private sealed class FaultyFile : OpenFile
    {
        private readonly FaultyPlatform _platform;
        private readonly OpenFile _inner;
        private readonly HostFileOptions _options;

        public FaultyFile(FaultyPlatform platform, OpenFile inner, in HostFileOptions options)
            : base(options)
        {
            _platform = platform;
            _inner = inner;
            _options = options;
            IsBlockDevice = platform.ClaimsBlockDevice;
            RequestAlignmentBytes = platform.AlignmentBytes;
            MemoryAlignmentBytes = platform.AlignmentBytes;
        }

        public override bool SupportsByteLocks => _inner.SupportsByteLocks;

        public override void Read(long offset, IoVector vector)
        {
            _platform.Fault("read", _options);
            CheckLengths(vector);
            _inner.Read(offset, vector);
        }

        public override void Write(long offset, IoVector vector)
        {
            _platform.Fault("write", _options);
            CheckLengths(vector);
            _inner.Write(offset, vector);
        }

        public override long GetLengthBytes()
        {
            _platform.Fault("length", _options);
            return _inner.GetLengthBytes();
        }

        public override void SetLengthBytes(long lengthBytes)
        {
            _platform.Fault("set length", _options);
            _inner.SetLengthBytes(lengthBytes);
        }

        public override bool TryAllocate(long offset, long lengthBytes)
        {
            _platform.Fault("allocate", _options);
            return _platform.AllocatesSpace && _inner.TryAllocate(offset, lengthBytes);
        }

        public override bool TryPunchHole(long offset, long lengthBytes)
        {
            _platform.Fault("punch", _options);
            return _inner.TryPunchHole(offset, lengthBytes);
        }

        public override bool TryZeroRange(long offset, long lengthBytes, bool mayUnmap)
        {
            _platform.Fault("zero", _options);
            return _inner.TryZeroRange(offset, lengthBytes, mayUnmap);
        }

        public override bool TryGetExtent(long offset, long lengthBytesMax, out bool isData, out long lengthBytes)
        {
            _platform.Fault("extent", _options);
            return _inner.TryGetExtent(offset, lengthBytesMax, out isData, out lengthBytes);
        }

        public override bool TryLockShared(long offset)
        {
            _platform.Fault("lock", _options);
            return _inner.TryLockShared(offset);
        }

        public override void Unlock(long offset) => _inner.Unlock(offset);

        public override bool IsLockedByOthers(long offset)
        {
            _platform.Fault("test lock", _options);
            return _inner.IsLockedByOthers(offset);
        }

        protected override void Dispose(bool disposing) => _inner.Dispose();

        private protected override void FlushCore()
        {
            _platform.Fault("flush", _options);
            _inner.Flush();
        }

        // A joint call that fails has lost nothing: its transfers are carried out one by one.
        internal override bool TryTransfer(TransferRun run, bool mayWait)
        {
            try
            {
                _platform.Fault("joint", _options);
            }
            catch (BlockException)
            {
                return false;
            }

            return _inner.TryTransfer(run, mayWait);
        }

        // As a kernel does that wants whole pieces.
        private void CheckLengths(IoVector vector)
        {
            foreach (Memory<byte> segment in vector)
            {
                if (segment.Length % MemoryAlignmentBytes != 0)
                {
                    throw new BlockException(BlockErrorKind.InvalidArgument, BlockErrorKind.InvalidArgument.ToErrnoText());
                }
            }
        }
    }

    /// <summary>The error of a device that is broken.</summary>
    public static BlockException Broken() => new(BlockErrorKind.InputOutput, BlockErrorKind.InputOutput.ToErrnoText());
}
