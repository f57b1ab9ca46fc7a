using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>Who excludes whom, with two opens of one file in one process: the locks tell them apart like two processes.</summary>
public sealed class ImageLocksTests() : HostFileFixture("linux")
{
    private const int Read = 1;
    private const int Write = 2;
    private const int Resize = 8;
    private const int All = 15;

    [Test]
    public void A_byte_lock_is_seen_by_other_opens_only()
    {
        using HostFile first = Open(MakeFile("f", 1));
        using HostFile second = Open(first.Path, isWritable: false);

        Assert.That(first.SupportsByteLocks);
        Assert.That(first.TryLockShared(101), "the first to lock");
        Assert.That(first.TryLockShared(101), "a second time");
        Assert.That(second.TryLockShared(101), "shared with another open");
        Assert.That(second.IsLockedByOthers(101), "by the first");
        Assert.That(second.IsLockedByOthers(102), Is.False, "the next byte");

        second.Unlock(101);
        Assert.That(first.IsLockedByOthers(101), Is.False, "its own lock");
        first.Dispose();
        Assert.That(second.IsLockedByOthers(101), Is.False, "a closed file locks nothing");
    }

    /// <summary>All combinations of two users of every right: they go together iff neither needs what the other does not share.</summary>
    [Test]
    public void Two_users_go_together_exactly_where_their_rights_do()
    {
        using HostFile first = Open(MakeFile("f", 1));
        using HostFile second = Open(first.Path);
        for (int heldByFirst = 0; heldByFirst <= All; heldByFirst++)
        {
            for (int sharedByFirst = 0; sharedByFirst <= All; sharedByFirst++)
            {
                ImageLocks locks = new(first);
                Change(locks, heldByFirst, sharedByFirst);
                for (int mask = 0; mask <= 0xFF; mask += 3)
                {
                    (int held, int shared) = (mask & All, mask >> 4);
                    bool areCompatible = (held & ~sharedByFirst) == 0 && (heldByFirst & ~shared) == 0;
                    ImageLocks other = new(second);
                    Assert.That(Succeeds(other, held, shared), Is.EqualTo(areCompatible), $"{heldByFirst}/{sharedByFirst} and {held}/{shared}");
                    Change(other, 0, All);
                }

                Change(locks, 0, All);
            }
        }
    }

    [TestCase(Read | Write, All, Write, Read, "Failed to get shared \"write\" lock")]
    [TestCase(Read, Read, Write, All, "Failed to get \"write\" lock")]
    [TestCase(0, All & ~Read, Read, All, "Failed to get \"consistent read\" lock")]
    [TestCase(4, All, 0, All & ~4, "Failed to get shared \"write unchanged\" lock")]
    [TestCase(0, All & ~Resize, Resize, All, "Failed to get \"resize\" lock")]
    public void A_conflict_names_the_right_and_hints_at_the_other(int heldByFirst, int sharedByFirst, int held, int shared, string message)
    {
        using HostFile first = Open(MakeFile("f", 1));
        using HostFile second = Open(first.Path);
        Change(new ImageLocks(first), heldByFirst, sharedByFirst);

        BlockException error = Assert.Throws<BlockException>(() => new ImageLocks(second).Prepare(held, shared))!;

        Assert.That((error.Kind, error.Message, error.Hint), Is.EqualTo((BlockErrorKind.Locked, message, $"Is another process using the image [{first.Path}]?")));
    }

    [Test]
    public void A_failed_prepare_leaves_the_locks_as_they_were()
    {
        using HostFile first = Open(MakeFile("f", 1));
        using HostFile second = Open(first.Path);
        Change(new ImageLocks(first), Read, Read);
        ImageLocks locks = new(second);
        Change(locks, Read, All);

        Assert.Throws<BlockException>(() => locks.Prepare(Write | Resize, Read));

        Assert.That((locks.Held, locks.Shared), Is.EqualTo((Read, All)));
        Assert.That(LockedBytes(first), Is.EqualTo("100"));
        Change(locks, 0, All);
        Assert.That(LockedBytes(first), Is.Empty);
    }

    [Test]
    public void A_prepared_change_holds_the_old_and_the_new_locks_until_it_is_decided([Values] bool isCommitted)
    {
        using HostFile file = Open(MakeFile("f", 1));
        using HostFile observer = Open(file.Path);
        ImageLocks locks = new(file);
        Change(locks, Read | Write, All & ~Resize);
        Assert.That(LockedBytes(observer), Is.EqualTo("100 101 203"));

        locks.Prepare(Read | Resize, All & ~Write);
        Assert.That(LockedBytes(observer), Is.EqualTo("100 101 103 201 203"), "prepared");
        Decide(locks, isCommitted);

        Assert.That(LockedBytes(observer), Is.EqualTo(isCommitted ? "100 103 201" : "100 101 203"), "decided");
    }

    [Test]
    public void A_change_that_only_loosens_succeeds_beside_a_conflict()
    {
        using HostFile first = Open(MakeFile("f", 1));
        using HostFile second = Open(first.Path);
        ImageLocks locks = new(first);
        Change(locks, Read | Write, All);

        // As if a program that does not ask had come by: it does not share what the first one does.
        second.TryLockShared(201);
        Assert.That(() => Change(locks, Write, All), Throws.Nothing);
    }

    [Test]
    public void A_successor_has_the_new_locks_before_the_old_file_is_closed([Values] bool isCommitted)
    {
        using HostFile old = Open(MakeFile("f", 1));
        using HostFile successor = Open(old.Path);
        using HostFile observer = Open(old.Path);
        ImageLocks locks = new(old);
        Change(locks, Read, All);

        locks.Prepare(Read | Write, All & ~Write, successor);
        Decide(locks, isCommitted);
        (isCommitted ? old : successor).Dispose();

        Assert.That(LockedBytes(observer), Is.EqualTo(isCommitted ? "100 101 201" : "100"));
        Change(locks, 0, All);
        Assert.That(LockedBytes(observer), Is.Empty, "later changes must go to the right file");
    }

    [Test]
    public void A_byte_locked_exclusively_by_a_stranger_is_named()
    {
        string path = MakeFile("f", 1);
        const string Script = "import fcntl,struct,sys\nf=open(sys.argv[1],'r+b')\n"
            + "fcntl.fcntl(f,37,struct.pack('hhqqi4x',1,0,101,1,0))\nprint('locked',flush=True)\nsys.stdin.read()";
        using System.Diagnostics.Process stranger = Start("python3", "-c", Script, path);
        Assert.That(stranger.StandardOutput.ReadLine(), Is.EqualTo("locked"));
        using HostFile file = Open(path);

        BlockException error = Assert.Throws<BlockException>(() => new ImageLocks(file).Prepare(Write, All))!;

        Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.Locked, "Failed to lock byte 101")));
        stranger.StandardInput.Close();
        stranger.WaitForExit();
    }

    [Test]
    public void Creation_over_a_file_whose_user_forbids_writing_is_refused()
    {
        using HostFile user = Open(MakeFile("f", 1, 2, 3));
        Change(new ImageLocks(user), Read, Read);

        BlockException error = Assert.Throws<BlockException>(() => Platform.CreateFile(user.Path, 0))!;

        Assert.That(error.Message, Is.EqualTo("Failed to get \"write\" lock"));
        Assert.That(File.ReadAllBytes(user.Path), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void Without_byte_locks_every_change_succeeds()
    {
        string path = MakeFile("f", 1);
        using HostFile first = HostPlatform.Portable.OpenFile(new HostFileOptions(path) { IsWritable = true });
        using HostFile second = HostPlatform.Portable.OpenFile(new HostFileOptions(path) { IsWritable = true });
        Change(new ImageLocks(first), Write, 0);

        Assert.That(first.SupportsByteLocks, Is.False);
        Assert.That(() => Change(new ImageLocks(second), Write, 0), Throws.Nothing);
    }

    [Test]
    public void The_portable_engine_keeps_others_out_at_open_where_it_is_asked_to()
    {
        string path = MakeFile("f", 1);
        HostFileOptions alone = new(path) { IsWritable = true, ExcludesOtherWriters = true };
        using (HostFile first = HostPlatform.Portable.OpenFile(alone))
        {
            BlockException error = Assert.Throws<BlockException>(() => HostPlatform.Portable.OpenFile(alone).Dispose())!;
            Assert.That((error.Kind, error.Message), Is.EqualTo((BlockErrorKind.Locked, "Failed to get \"write\" lock")));
            Assert.That(error.Hint, Is.EqualTo($"Is another process using the image [{path}]?"));
            Assert.That(() => HostPlatform.Portable.CreateFile(path, 0), Throws.TypeOf<BlockException>(), "creating over it");
        }

        Assert.That(() => HostPlatform.Portable.OpenFile(alone).Dispose(), Throws.Nothing, "after it was closed");
    }

    private static void Change(ImageLocks locks, int held, int shared)
    {
        locks.Prepare(held, shared);
        locks.Commit();
    }

    private static void Decide(ImageLocks locks, bool isCommitted)
    {
        if (isCommitted)
        {
            locks.Commit();
        }
        else
        {
            locks.Abort();
        }
    }

    private static bool Succeeds(ImageLocks locks, int held, int shared)
    {
        try
        {
            Change(locks, held, shared);
            return true;
        }
        catch (BlockException)
        {
            return false;
        }
    }

    private static string LockedBytes(HostFile observer) => string.Join(' ', Enumerable.Range(100, 200).Where(offset => observer.IsLockedByOthers(offset)));
}
