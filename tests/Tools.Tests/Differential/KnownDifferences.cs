namespace BlockGraph.Tools.Tests.Differential;

/// <summary>One generated case in which this program does something else than QEMU's.</summary>
/// <param name="Verb">The verb it is of.</param>
/// <param name="Case">The case, as <see cref="DifferentialCase"/> writes it.</param>
/// <param name="Reason">Why that is meant.</param>
internal sealed record KnownDifference(string Verb, string Case, string Reason);

/// <summary>Every case that differs; docs/compatibility.md tells users of the reasons.</summary>
internal static class KnownDifferences
{
    /// <summary>The table.</summary>
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("bench", "qemu-img bench -c 20 --object throttle-group,id=g --image-opts driver=throttle,throttle-group=g,file.filename=zero.raw", "qemu-img's bench alone takes no --object; ours does, as every other command"),
        new("bench", "qemu-img bench -c 20 -f raw empty.raw", "qemu-img divides by the image's length, and is killed"),
        new(
            "compare",
            """qemu-img compare -F foo -F raw -p zero.raw 'json:{"driver":"null-co","size":65536,"read-zeroes":true}'""",
            "two things are wrong, an option that raw does not have and a child that is missing; the option is told first"),
        new("info", "qemu-img info --image-opts driver=null-co,size=-1", "qemu-img aborts on a malformed size of null-co"),
        new("info", """qemu-img info 'json:{"driver":5}'""", "a number is taken for a driver's name, and told; qemu-img overlooks it"),
        new("measure", "qemu-img measure --nope --size 1M", "qemu-img's measure alone prints the help and ends with 0 on an unknown option; ours refuses it, as every other command"),
    ];
}
