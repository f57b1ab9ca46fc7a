using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.BlockCore.Tests.Backend;

/// <summary>A backend as a stream: what users of streams expect of one.</summary>
[TestFixture]
public sealed class BlockBackendStreamTests
{
    private const int LengthBytes = 1 << 20;
    private MemoryProtocol _memory = null!;
    private MainLoop _loop = null!;
    private NodeGraph _graph = null!;
    private BlockBackend _backend = null!;
    private BlockBackendStream _stream = null!;

    private MemoryStorage Disk => _memory.Storage("disk");

    [SetUp]
    public async Task SetUp()
    {
        _memory = new MemoryProtocol();
        _loop = MainLoop.Start();
        _graph = new NodeGraph(_loop, [_memory]);
        _backend = await _graph.OpenAsync(GraphFixture.Options("driver=memory,filename=disk"));
        _stream = new BlockBackendStream(_backend);
    }

    [TearDown]
    public async Task TearDown()
    {
        await _stream.DisposeAsync();
        await _graph.DisposeAsync();
        _loop.Dispose();
    }

    [Test]
    public void It_can_read_seek_and_write() =>
        Assert.That((_stream.CanRead, _stream.CanSeek, _stream.CanWrite, _stream.CanTimeout, _stream.Length, _stream.Position), Is.EqualTo((true, true, true, false, (long)LengthBytes, 0L)), "what it is");

    [Test]
    public async Task Whatever_way_bytes_are_written_they_are_read([Range(0, 4)] int way)
    {
        byte[] bytes = [1, 2, 3, 4];
        _stream.Position = 10;
        switch (way)
        {
            case 0:
                _stream.Write(bytes, 1, 3);
                break;
            case 1:
                _stream.Write(bytes.AsSpan(1));
                break;
            case 2:
                Func<byte[], int, int, Task> write = _stream.WriteAsync;
                await write(bytes, 1, 3);
                break;
            case 3:
                await _stream.WriteAsync(bytes.AsMemory(1));
                break;
            default:
                _stream.EndWrite(_stream.BeginWrite(bytes, 1, 3, null, null));
                break;
        }

        Assert.That(_stream.Position, Is.EqualTo(13), "moved on");
        Assert.That(Disk.Bytes.AsSpan(9, 5).ToArray(), Is.EqualTo(new byte[] { 0, 2, 3, 4, 0 }), "written");
        _stream.Seek(-3, SeekOrigin.Current);
        byte[] read = new byte[5];
        Func<byte[], int, int, Task<int>> readArray = _stream.ReadAsync;
        int count = way switch
        {
            0 => _stream.Read(read, 1, 3),
            1 => _stream.Read(read.AsSpan(1, 3)),
            2 => await readArray(read, 1, 3),
            3 => await _stream.ReadAsync(read.AsMemory(1, 3)),
            _ => _stream.EndRead(_stream.BeginRead(read, 1, 3, null, null)),
        };
        Assert.That((count, _stream.Position), Is.EqualTo((3, 13L)), "as many, and moved on");
        Assert.That(read, Is.EqualTo(new byte[] { 0, 2, 3, 4, 0 }), "read");
    }

    [Test]
    public void Single_bytes_are_read_and_written()
    {
        _stream.WriteByte(200);
        _stream.Position = 0;
        Assert.That((_stream.ReadByte(), _stream.ReadByte(), _stream.Position), Is.EqualTo((200, 0, 2L)), "the bytes");
        _stream.Position = LengthBytes;
        Assert.That(_stream.ReadByte(), Is.EqualTo(-1), "the end");
    }

    [Test]
    public async Task Reading_ends_at_the_end()
    {
        byte[] buffer = new byte[100];
        _stream.Seek(-40, SeekOrigin.End);
        Assert.That(_stream.Read(buffer), Is.EqualTo(40), "what is left");
        Assert.That((_stream.Read(buffer), await _stream.ReadAsync(buffer)), Is.EqualTo((0, 0)), "nothing is left");
        _stream.Position = long.MaxValue;
        Assert.That((_stream.Read(buffer), await _stream.ReadAsync(buffer)), Is.EqualTo((0, 0)), "nor far beyond");
        Assert.That(_stream.Read([]), Is.Zero, "nothing was asked for");
    }

    [Test]
    public void Seeking_goes_anywhere_but_before_the_beginning()
    {
        Assert.That((_stream.Seek(5, SeekOrigin.Begin), _stream.Seek(2, SeekOrigin.Current), _stream.Seek(1, SeekOrigin.End)), Is.EqualTo((5L, 7L, (long)LengthBytes + 1)), "where");
        Assert.That(() => _stream.Seek(-1, SeekOrigin.Begin), Throws.TypeOf<IOException>(), "before");
        Assert.That(() => _stream.Seek(1, (SeekOrigin)7), Throws.ArgumentException, "no origin");
        Assert.That(() => _stream.Seek(long.MaxValue, SeekOrigin.End), Throws.TypeOf<ArgumentOutOfRangeException>(), "no number");
        Assert.That(() => _stream.Position = -1, Throws.TypeOf<ArgumentOutOfRangeException>(), "no position");
        Assert.That(_stream.Position, Is.EqualTo(LengthBytes + 1), "as it was");
    }

    [Test]
    public async Task Writing_across_the_end_is_refused_as_a_whole()
    {
        _stream.Seek(-1, SeekOrigin.End);
        IOException sync = Assert.Throws<IOException>(() => _stream.Write([1, 2]))!;
        IOException async = await Failure.OfAsync<IOException>(async () => await _stream.WriteAsync(new byte[] { 1, 2 }));
        Assert.That(sync.InnerException, Is.TypeOf<BlockException>().With.Property("Kind").EqualTo(BlockErrorKind.InputOutput), "why");
        Assert.That((sync.Message, async.Message), Is.EqualTo((sync.InnerException!.Message, sync.Message)), "the same words");
        Assert.That((_stream.Position, Disk.Log.Count), Is.EqualTo((LengthBytes - 1L, 0)), "nothing was written");
    }

    [Test]
    public void The_length_is_set_and_the_position_stays_inside()
    {
        _stream.Position = 5000;
        _stream.SetLength(4096);
        Assert.That((_stream.Length, _stream.Position), Is.EqualTo((4096L, 4096L)), "shorter");
        _stream.SetLength(8192);
        _stream.Write([1]);
        Assert.That((_stream.Length, _stream.Position, Disk.Bytes[4096]), Is.EqualTo((8192L, 4097L, 1)), "longer again");
        Assert.That(() => _stream.SetLength(-1), Throws.TypeOf<ArgumentOutOfRangeException>(), "no length");
    }

    [Test]
    public async Task A_flush_is_durable()
    {
        _stream.Write([1]);
        _stream.Flush();
        await _stream.WriteAsync(new byte[] { 2 });
        await _stream.FlushAsync();
        RequestKind[] expected = [RequestKind.Write, RequestKind.Flush, RequestKind.Write, RequestKind.Flush];
        Assert.That(Disk.Log.Select(r => r.Kind), Is.EqualTo(expected), "it reaches the storage");
    }

    [Test]
    public async Task Failures_are_those_of_streams()
    {
        foreach (RequestKind kind in new[] { RequestKind.Read, RequestKind.Write, RequestKind.Flush })
        {
            Disk.FailWith(kind, BlockErrorKind.NoSpace);
            (Action sync, Func<Task> async) = kind switch
            {
                RequestKind.Read => (() => _stream.ReadExactly(new byte[1]), () => _stream.ReadExactlyAsync(new byte[1]).AsTask()),
                RequestKind.Write => (() => _stream.Write([1]), () => _stream.WriteAsync(new byte[1]).AsTask()),
                _ => ((Action)_stream.Flush, (Func<Task>)(() => _stream.FlushAsync())),
            };
            Assert.That(sync, Throws.TypeOf<IOException>().With.Message.EqualTo("No space left on device").And.InnerException.TypeOf<BlockException>(), $"{kind}");
            Assert.That((await Failure.OfAsync<IOException>(async)).InnerException, Is.TypeOf<BlockException>(), $"{kind}, asynchronous");
            Assert.That(_stream.Position, Is.Zero, "it has not moved on");
        }

        Disk.FailWith(RequestKind.Read, null);
        await Failure.OfAsync<OperationCanceledException>(() => _stream.ReadExactlyAsync(new byte[1], new CancellationToken(canceled: true)).AsTask());
        Assert.That(() => _stream.Read(new byte[1], 1, 1), Throws.InstanceOf<ArgumentException>(), "no such range");
        Assert.That(() => _stream.Write(null!, 0, 1), Throws.ArgumentNullException, "no array");
        await Failure.OfAsync<InvalidOperationException>(() => _loop.Context.RunAsync(() =>
        {
            _ = _stream.Read(new byte[1]);
            return Task.CompletedTask;
        }));
    }

    [Test]
    public async Task A_read_only_stream_writes_nothing()
    {
        BlockBackend reader = await _graph.OpenAsync(GraphFixture.Options("driver=memory,filename=other,read-only=on"));
        await using BlockBackendStream stream = new(reader);
        Assert.That(stream.CanWrite, Is.False, "it says so");
        Assert.That(() => stream.Write([1]), Throws.TypeOf<NotSupportedException>(), "a write");
        Assert.That(() => stream.SetLength(1), Throws.TypeOf<NotSupportedException>(), "a length");
        await Failure.OfAsync<NotSupportedException>(async () => await stream.WriteAsync(new byte[1]));
        Assert.That(stream.Read(new byte[1]), Is.EqualTo(1), "it reads");
    }

    [Test]
    public async Task Without_a_medium_there_is_no_length_and_no_end()
    {
        await using BlockBackendStream empty = new(await _graph.CreateBackendAsync());
        Assert.That(() => empty.Length, Throws.TypeOf<IOException>().With.Message.EqualTo("No medium found"), "length");
        Assert.That(() => empty.Read(new byte[1]), Throws.TypeOf<IOException>(), "a read");
        Assert.That(() => empty.Write([1]), Throws.TypeOf<IOException>(), "a write");
    }

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    [TestCase(false, false)]
    public async Task A_stream_closes_its_backend_unless_it_is_to_stay_open(bool leaveOpen, bool isAsync)
    {
        BlockBackend backend = await _graph.OpenAsync(GraphFixture.Options("driver=memory,filename=other"));
        BlockBackendStream stream = new(backend, leaveOpen);
        for (int i = 0; i < 2; i++)
        {
            if (isAsync)
            {
                await stream.DisposeAsync();
            }
            else
            {
                stream.Dispose();
            }
        }

        Assert.That((backend.Root is not null, _memory.Storage("other").OpenCount), Is.EqualTo((leaveOpen, leaveOpen ? 1 : 0)), "the backend");
        Assert.That((stream.CanRead, stream.CanSeek, stream.CanWrite), Is.EqualTo((false, false, false)), "the stream");
        Assert.That(() => stream.Length, Throws.TypeOf<ObjectDisposedException>(), "length");
        Assert.That(() => stream.Position, Throws.TypeOf<ObjectDisposedException>(), "position");
        Assert.That(() => stream.Read(new byte[1]), Throws.TypeOf<ObjectDisposedException>(), "a read");
        Assert.That(() => stream.Write([1]), Throws.TypeOf<ObjectDisposedException>(), "a write");
        Assert.That(() => stream.Flush(), Throws.TypeOf<ObjectDisposedException>(), "a flush");
        await backend.DisposeAsync();
    }

    [Test]
    public async Task A_failing_last_flush_is_a_failure_of_the_disposal()
    {
        _stream.Write([1]);
        Disk.FailWith(RequestKind.Flush, BlockErrorKind.NoSpace);
        Assert.That(() => _stream.Dispose(), Throws.TypeOf<IOException>(), "told");
        await _stream.DisposeAsync();
        Assert.That(Disk.OpenCount, Is.Zero, "it is closed all the same");
    }

    [Test]
    public async Task Streams_copy_to_and_from_it()
    {
        byte[] bytes = new byte[300_000];
        new Random(7).NextBytes(bytes);
        await new MemoryStream(bytes).CopyToAsync(_stream);
        _stream.SetLength(bytes.Length);
        _stream.Position = 0;
        using MemoryStream copy = new();
        _stream.CopyTo(copy);
        Assert.That(copy.ToArray().AsSpan().SequenceEqual(bytes), Is.True, "there and back");
    }
}
