#include "http/head_check.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

int StatusOf(const std::string& head) {
  const auto fault = CheckHead(head);
  return fault ? fault->status : 0;
}

int WithLines(const std::string& lines) {
  return StatusOf("POST /a HTTP/1.1\r\nHost: t\r\n" + lines + "\r\n");
}

TEST(HeadCheck, TakesAnOrdinaryHead) {
  EXPECT_EQ(StatusOf("GET /a?b=c HTTP/1.1\r\nHost: t:80\r\nAccept: */*\r\n\r\n"), 0);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(WithLines("Content-Length: 3\r\n"), 0);
  EXPECT_EQ(WithLines("Transfer-Encoding: Chunked\r\n"), 0);
  EXPECT_EQ(WithLines("X-Empty:\r\nX-Tab:\ta\tb\r\n"), 0);
}

TEST(HeadCheck, RefusesWhatTwoParsersReadDifferently) {
  EXPECT_EQ(WithLines("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length: 3\r\nContent-Length: 4\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length: 3\r\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length: 3, 3\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length: +3\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length: 0x3\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length:\r\n"), 400);
  EXPECT_EQ(WithLines("Host: other\r\n"), 400);
  EXPECT_EQ(WithLines("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(WithLines("Content-Length : 3\r\n"), 400);
  EXPECT_EQ(WithLines("X: a\r\n folded\r\n"), 400);
  EXPECT_EQ(WithLines("no colon\r\n"), 400);
  EXPECT_EQ(WithLines(": no name\r\n"), 400);
  EXPECT_EQ(WithLines("Authorization: a\r\nAuthorization: b\r\n"), 400);
}

TEST(HeadCheck, TakesNoTransferEncodingButChunked) {
  for (const char* encoding : {"gzip, chunked", "chunked, identity", "identity", "xchunked",
                               "\"chunked\"", "chunked;q=1", ""}) {
    EXPECT_EQ(WithLines(std::string("Transfer-Encoding: ") + encoding + "\r\n"), 501) << encoding;
  }
  EXPECT_EQ(StatusOf("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HeadCheck, RefusesBareLineEndsAndControlBytes) {
  EXPECT_EQ(WithLines("A: b\nC: d\r\n"), 400);
  EXPECT_EQ(WithLines("A: b\rC: d\r\n"), 400);
  EXPECT_EQ(WithLines(std::string("A: b\0c\r\n", 8)), 400);
  EXPECT_EQ(WithLines("A: b\x7f\r\n"), 400);
}

TEST(HeadCheck, RefusesABadRequestLine) {
  EXPECT_EQ(StatusOf("GET  /a HTTP/1.1\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /a b HTTP/1.1\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /\xc3\xa9 HTTP/1.1\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("G(T / HTTP/1.1\r\nHost: t\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\nHost: t\r\n\r\n"), 505);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
}

TEST(HeadCheck, CallsAnAbsurdLengthTooLarge) {
  EXPECT_EQ(WithLines("Content-Length: 99999999999999999999999\r\n"), 413);
}

}  // namespace
}  // namespace reprise::runtime
