using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling.Linux;
using BlockGraph.BlockCore.Scheduling.Portable;

namespace BlockGraph.BlockCore.Tests.Files;

/// <summary>What the failures that a test cannot cause become.</summary>
public sealed class LinuxErrnoTests
{
    [TestCase(1, BlockErrorKind.NotPermitted, "Operation not permitted")]
    [TestCase(2, BlockErrorKind.NotFound, "No such file or directory")]
    [TestCase(5, BlockErrorKind.InputOutput, "Input/output error")]
    [TestCase(6, BlockErrorKind.NotFound, "No such device or address")]
    [TestCase(11, BlockErrorKind.Locked, "Resource temporarily unavailable")]
    [TestCase(12, BlockErrorKind.Busy, "Cannot allocate memory")]
    [TestCase(13, BlockErrorKind.AccessDenied, "Permission denied")]
    [TestCase(16, BlockErrorKind.Busy, "Device or resource busy")]
    [TestCase(20, BlockErrorKind.NotFound, "Not a directory")]
    [TestCase(22, BlockErrorKind.InvalidArgument, "Invalid argument")]
    [TestCase(24, BlockErrorKind.Busy, "Too many open files")]
    [TestCase(27, BlockErrorKind.TooLarge, "File too large")]
    [TestCase(28, BlockErrorKind.NoSpace, "No space left on device")]
    [TestCase(30, BlockErrorKind.ReadOnlyStorage, "Read-only file system")]
    [TestCase(36, BlockErrorKind.InvalidArgument, "File name too long")]
    [TestCase(40, BlockErrorKind.InvalidArgument, "Too many levels of symbolic links")]
    [TestCase(95, BlockErrorKind.NotSupported, "Operation not supported")]
    [TestCase(122, BlockErrorKind.NoSpace, "Disk quota exceeded")]
    [TestCase(123, BlockErrorKind.NoMedium, "No medium found")]
    public void An_errno_has_a_kind_and_the_C_librarys_words(int errno, BlockErrorKind kind, string message)
    {
        BlockException error = LinuxErrno.ToException(errno);

        Assert.That((error.Kind, error.Message), Is.EqualTo((kind, message)));
    }

    [Test]
    public void An_errno_without_a_kind_is_an_input_output_error_with_its_own_words()
    {
        BlockException error = LinuxErrno.ToException(116);

        Assert.That(error.Kind, Is.EqualTo(BlockErrorKind.InputOutput));
        Assert.That(error.Message, Is.Not.Empty.And.Not.EqualTo("Input/output error"));
    }

    [TestCase(28, BlockErrorKind.NoSpace)]
    [TestCase(5, BlockErrorKind.InputOutput)]
    [TestCase(11, BlockErrorKind.Locked)]
    [TestCase(30, BlockErrorKind.ReadOnlyStorage)]
    [TestCase(unchecked((int)0x80070070), BlockErrorKind.NoSpace)]
    [TestCase(unchecked((int)0x80070027), BlockErrorKind.NoSpace)]
    [TestCase(unchecked((int)0x80070020), BlockErrorKind.Locked)]
    [TestCase(unchecked((int)0x80070013), BlockErrorKind.ReadOnlyStorage)]
    [TestCase(unchecked((int)0x80131620), BlockErrorKind.InputOutput)]
    public void A_framework_exception_has_the_same_kinds(int result, BlockErrorKind kind) =>
        Assert.That(PortableError.ToException(new IOException("x", result)).Kind, Is.EqualTo(kind));

    [Test]
    public void Exceptions_with_types_of_their_own_are_told_apart()
    {
        Assert.That(PortableError.ToException(new DirectoryNotFoundException()).Kind, Is.EqualTo(BlockErrorKind.NotFound));
        Assert.That(PortableError.ToException(new UnauthorizedAccessException()).Kind, Is.EqualTo(BlockErrorKind.AccessDenied));
        Assert.That(PortableError.ToException(new UnauthorizedAccessException("x", new IOException("x", 1))).Kind, Is.EqualTo(BlockErrorKind.NotPermitted));
        Assert.That(PortableError.ToException(new PathTooLongException()).Kind, Is.EqualTo(BlockErrorKind.InvalidArgument));
        Assert.That(PortableError.IsOfTheWorld(new ObjectDisposedException("x")), Is.False, "using a closed file is a bug");
    }
}
