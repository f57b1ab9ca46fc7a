using System.Text;
using BlockGraph.BlockCore.Options;

namespace BlockGraph.Qapi.Options;

/// <summary>
/// The order in which JSON objects print their keys: that of a hash table of 512 buckets, and within a bucket the later
/// inserted key first. Golden outputs and <c>json:</c> names show it. <i>QEMU: qdict_first() and qdict_next().</i>
/// </summary>
public static class QemuKeyOrder
{
    private const uint Buckets = 512;

    /// <summary>The bucket of <paramref name="key"/>, from 0 to 511. With all arithmetic modulo 2^32 over its UTF-8 bytes.</summary>
    public static int BucketOf(string key)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        unchecked
        {
            // Modulo 2^32 is the definition of the hash.
            uint sum = 0x238F13AFu * (uint)bytes.Length;
            for (int i = 0; i < bytes.Length; i++)
            {
                sum += (uint)bytes[i] << (5 * i % 24);
            }

            return (int)(((1103515243u * sum) + 12345u) % Buckets);
        }
    }

    /// <summary>The entries of <paramref name="dictionary"/> in printing order.</summary>
    public static IReadOnlyList<KeyValuePair<string, OptionValue>> Sort(OptionsDictionary dictionary)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        KeyValuePair<string, OptionValue>[] entries = [.. dictionary];
        Array.Reverse(entries);

        // The sort is stable: within a bucket the reversed order stays.
        return [.. entries.OrderBy(e => BucketOf(e.Key))];
    }
}
