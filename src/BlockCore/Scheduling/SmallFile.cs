using System.Security.Cryptography;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Reads a file whole that nobody wants to have copies of in memory.</summary>
internal static class SmallFile
{
    /// <summary>The contents of <paramref name="path"/>: an array that is pinned, and the only one.</summary>
    /// <exception cref="BlockException">They are longer than <paramref name="lengthBytesMax"/>.</exception>
    public static byte[] Read(string path, int lengthBytesMax)
    {
        // The stream's own buffer would be a copy.
        using FileStream stream = new(path, new FileStreamOptions { BufferSize = 0 });
        byte[] buffer = GC.AllocateArray<byte>(lengthBytesMax + 1, pinned: true);
        try
        {
            int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length > lengthBytesMax)
            {
                throw new BlockException(BlockErrorKind.TooLarge, $"Unable to read {path}: it is longer than {lengthBytesMax} bytes");
            }

            byte[] contents = GC.AllocateArray<byte>(length, pinned: true);
            buffer.AsSpan(0, length).CopyTo(contents);
            return contents;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }
}
