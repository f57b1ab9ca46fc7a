using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Tests.Errors;

/// <summary>Failures of the world have a kind, an errno and words; broken invariants are something else.</summary>
[TestFixture]
public sealed class BlockExceptionTests
{
    [TestCase(BlockErrorKind.InvalidArgument, 22, "Invalid argument")]
    [TestCase(BlockErrorKind.NotFound, 2, "No such file or directory")]
    [TestCase(BlockErrorKind.AlreadyExists, 17, "File exists")]
    [TestCase(BlockErrorKind.NotPermitted, 1, "Operation not permitted")]
    [TestCase(BlockErrorKind.AccessDenied, 13, "Permission denied")]
    [TestCase(BlockErrorKind.ReadOnlyStorage, 30, "Read-only file system")]
    [TestCase(BlockErrorKind.Locked, 11, "Resource temporarily unavailable")]
    [TestCase(BlockErrorKind.Busy, 16, "Device or resource busy")]
    [TestCase(BlockErrorKind.NoSpace, 28, "No space left on device")]
    [TestCase(BlockErrorKind.InputOutput, 5, "Input/output error")]
    [TestCase(BlockErrorKind.NoMedium, 123, "No medium found")]
    [TestCase(BlockErrorKind.NotSupported, 95, "Operation not supported")]
    [TestCase(BlockErrorKind.CorruptImage, 22, "Invalid argument")]
    [TestCase(BlockErrorKind.TooLarge, 27, "File too large")]
    [TestCase(BlockErrorKind.IsDirectory, 21, "Is a directory")]
    [TestCase(BlockErrorKind.ThrottleTimeout, 110, "Connection timed out")]
    [TestCase(BlockErrorKind.Cancelled, 125, "Operation canceled")]
    public void A_kind_stands_for_an_errno_and_its_words(BlockErrorKind kind, int errno, string text)
    {
        Assert.That(kind.ToErrno(), Is.EqualTo(errno), "the number on Linux");
        Assert.That(kind.ToErrnoText(), Is.EqualTo(text), "the C library's words");
    }

    [Test]
    public void Every_kind_is_in_the_table_above() => Assert.That(
        typeof(BlockExceptionTests).GetMethod(nameof(A_kind_stands_for_an_errno_and_its_words))!.GetCustomAttributes(typeof(TestCaseAttribute), false),
        Has.Length.EqualTo(Enum.GetValues<BlockErrorKind>().Length),
        "a kind was added");

    [Test]
    public void A_failure_keeps_its_kind_and_hint_behind_a_prefix()
    {
        BlockException inner = new(BlockErrorKind.Locked, "Failed to get \"write\" lock") { Hint = "Is another process using the image [f]?" };
        BlockException outer = inner.Prefixed("Could not open 'f': ");
        Assert.That((outer.Kind, outer.Message, outer.Hint), Is.EqualTo((BlockErrorKind.Locked, "Could not open 'f': Failed to get \"write\" lock", inner.Hint)), "kind, message, hint");
        Assert.That(outer.InnerException, Is.SameAs(inner), "the cause");
    }

    [Test]
    public void A_failure_without_a_kind_is_a_bad_argument()
    {
        NotSupportedException cause = new();
        Assert.That(new BlockException("words").Kind, Is.EqualTo(BlockErrorKind.InvalidArgument), "with words");
        Assert.That(new BlockException().Message, Is.EqualTo("Invalid argument"), "without words");
        Assert.That(new BlockException("words", cause).InnerException, Is.SameAs(cause), "with a cause");
    }

    [Test]
    public void A_broken_invariant_says_which()
    {
        int one = 1;
        Assert.That(() => Invariant.Check(one == 2), Throws.TypeOf<InvariantViolationException>().With.Message.EqualTo("Invariant violated: one == 2"), "the condition's text");
        Assert.That(() => Invariant.Check(one == 1), Throws.Nothing, "one that holds");
        Assert.That(new InvariantViolationException().Message, Is.EqualTo("Invariant violated: (unnamed)"), "unnamed");
        Assert.That(new InvariantViolationException("x", new NotSupportedException()).InnerException, Is.TypeOf<NotSupportedException>(), "with a cause");
    }
}
